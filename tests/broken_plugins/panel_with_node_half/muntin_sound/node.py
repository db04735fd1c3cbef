"""The node half."""

from muntin_node.contributions import NodeHalf, RunningHalf


async def start(context: object) -> RunningHalf:
    """Nothing to do."""
    return RunningHalf()


HALF = NodeHalf(name="sound", version="0.1.0", start=start)
