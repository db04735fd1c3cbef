"""Every route that changes something writes into the audit log: looked up in the code of all installed plugins."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from muntin import audit
from muntin.core_plugin import load_core
from muntin.plugins.registry import Registry
from muntin.routing import Route

CHANGES_NOTHING = {
    "muntin.accounts.recovery.resend_verification": "sends a link; using it is audited",
    "muntin.accounts.two_factor.set_up_two_factor": "shows a secret; switching it on is audited",
    "muntin_gameservers.console.tickets.issue_ticket": "opens a console within seconds; commands are audited",
    "muntin.accounts.sessions.refresh": "the session stays what it was; a copied token is audited",
}
"""Services behind verbs that could change something but do not, and why."""


def _routes() -> list[Route]:
    registry = Registry.load(load_core())
    return [
        owned.value
        for owned in registry.known(Route)
        if owned.value.dialect == "native" and owned.value.method not in ("GET", "WS") and owned.value.service
    ]


def _plain(service: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, without its guard and the object it belongs to."""
    unwrapped = inspect.unwrap(service)
    return unwrapped.__func__ if inspect.ismethod(unwrapped) else unwrapped


def _name(service: Callable[..., Any]) -> str:
    plain = _plain(service)
    return f"{plain.__module__}.{plain.__qualname__}"


def _audits(function: Callable[..., Any], seen: set[str]) -> bool:
    """Whether the function, or one of ours that it names, records something."""
    plain = _plain(function)
    if not inspect.isfunction(plain) or not plain.__module__.startswith("muntin") or _name(plain) in seen:
        return False
    seen.add(_name(plain))
    return any(one is audit.record or _audits(one, seen) for one in _named_in(plain))


def _named_in(function: Any) -> Iterator[Callable[..., Any]]:
    """Functions that the source names: `record`, `audit.record`."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Name) and callable(found := function.__globals__.get(node.id)):
            yield found
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found = getattr(function.__globals__.get(node.value.id), node.attr, None)
            if callable(found):
                yield found


@pytest.mark.parametrize("route", _routes(), ids=lambda route: f"{route.method} {route.path}")
def test_change_is_audited(route: Route) -> None:
    assert route.service is not None

    assert _name(route.service) in CHANGES_NOTHING or _audits(route.service, set())
