"""Finding, loading and switching plugins. Plugin authors need only `hookimpl` from here."""

from __future__ import annotations

import pluggy

hookimpl = pluggy.HookimplMarker("muntin")

ENTRY_POINTS = "muntin.plugins"
CORE = "core"

__all__ = ["CORE", "ENTRY_POINTS", "hookimpl"]
