"""`python -m muntin.cli`, for processes that start commands."""

from muntin.cli import main

main()
