"""The agent's hooks. A distribution offers its half through the entry point group `muntin.node`:

    [project.entry-points."muntin.node"]
    gameservers = "muntin_gameservers.node.plugin"

The module named there holds `@hookimpl def muntin_node_half()` and imports neither `muntin` nor `tortoise`.
"""

from __future__ import annotations

import pluggy

from muntin_node.contributions import NodeHalf

ENTRY_POINT_GROUP = "muntin.node"
PROJECT = "muntin_node"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def muntin_node_half() -> NodeHalf:
    """The part of a plugin that runs on the node. Called once, when the agent starts.

    Must be quick and touch nothing: connecting, reading and starting belong into `NodeHalf.start`. A plugin that
    raises here (or when it is imported) is left out, logged and reported to the panel; the others go on.

    Example:
        @hookimpl
        def muntin_node_half():
            return NodeHalf(name="gameservers", version="0.1.0", start=start, routes=routes)
    """
    raise NotImplementedError
