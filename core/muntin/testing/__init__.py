"""Tests of plugins: fixtures that pytest finds by itself, and the types they give.

The fixtures are in `muntin.testing.fixtures`; `docs/plugins/testing.md` describes them. Importing this package costs
next to nothing: the names below are loaded when they are asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muntin.testing.accounts import Accounts
    from muntin.testing.callers import Answer, Caller, People
    from muntin.testing.clock import Clock
    from muntin.testing.forks import Forks
    from muntin.testing.mailbox import Mailbox
    from muntin.testing.nodes import RunningNode
    from muntin.testing.outbox import Outbox
    from muntin.testing.visitors import Shown, Visitor

__all__ = [
    "Accounts",
    "Answer",
    "Caller",
    "Clock",
    "Forks",
    "Mailbox",
    "Outbox",
    "People",
    "RunningNode",
    "Shown",
    "Visitor",
]

_MODULES = {
    "Accounts": "accounts",
    "Answer": "callers",
    "Caller": "callers",
    "Clock": "clock",
    "Forks": "forks",
    "Mailbox": "mailbox",
    "Outbox": "outbox",
    "People": "callers",
    "RunningNode": "nodes",
    "Shown": "visitors",
    "Visitor": "visitors",
}


def __getattr__(name: str) -> Any:
    """Load one of the types."""
    if name in _MODULES:
        return getattr(importlib.import_module(f"muntin.testing.{_MODULES[name]}"), name)
    raise AttributeError(name)
