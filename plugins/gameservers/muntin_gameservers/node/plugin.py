"""The node half as the agent finds it: entry point group `muntin.node`."""

from __future__ import annotations

from importlib.metadata import version

from muntin_gameservers.node.half import start
from muntin_gameservers.node.routes import routes
from muntin_node.contributions import NodeHalf
from muntin_node.hookspecs import hookimpl


@hookimpl
def muntin_node_half() -> NodeHalf:
    """Game servers in containers."""
    return NodeHalf(name="gameservers", version=version("muntin-gameservers"), start=start, routes=routes)
