"""`python -m muntin_node`, the same as `muntin-node`."""

from muntin_node.cli import main

main()
