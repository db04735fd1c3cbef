"""The hook that webhooks offer to other plugins."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from muntin_webhooks.destinations.destination import Destination

hookspec = pluggy.HookspecMarker("muntin")


@hookspec
def muntin_webhooks_destinations() -> Iterable[Destination]:
    """Kinds of places that webhooks can send to. Asked when the set of enabled plugins changes.

    A plugin that raises is logged and left out. Webhooks of a destination that is gone wait: nothing of theirs is lost.

    Example:
        @hookimpl
        def muntin_webhooks_destinations():
            yield Destination(kind="matrix", label="Matrix", model=MatrixConfig, render=render)
    """
