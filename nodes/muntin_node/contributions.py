"""What a plugin's node half hands to the agent: frozen dataclasses, no base classes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quart import Blueprint

    from muntin_node.config import NodeConfig
    from muntin_node.context import NodeContext


async def _nothing() -> None:
    """What a half does that has nothing to do."""


def _no_routes() -> tuple[Blueprint, ...]:
    return ()


def _healthy() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningHalf:
    """A half that has started. Every callable runs on the agent's loop and must not block it.

    Attributes:
        state: The half's own object. Its views get it back, typed, with `muntin_node.access.state_of(MyState)`.
        tasks: Functions that run as long as the agent does; started after `ready`, cancelled before `close`.
            One that raises is logged, reported as the half's error, and started again after 5 s.
        ready: Called once, when the HTTP listener is open (say to the panel "I am here", start servers).
        close: Called once on shutdown, with 15 s to finish; workloads that shall outlive the agent stay untouched.
        health: Figures for the panel (JSON values, small): sent on the bus every 10 s under `reports.<name>`.
        system: Keys that the half adds to `GET /api/system?v=2` (e.g. `{"docker": {...}}`); raising answers 500.
        configure: Told the new configuration after `POST /api/update` was applied.
        deauthorize: `(user_uuid, server_uuids)` after `POST /api/deauthorize-user`: close that user's sockets and
            sessions; no servers means everywhere. Tokens were denied already.
        purge: The plugin is purged: delete what the half keeps outside its data dir. It was closed before, and the
            data dir goes afterwards. Raising keeps both, and the panel asks again.
    """

    state: object = None
    tasks: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    ready: Callable[[], Awaitable[None]] | None = None
    close: Callable[[], Awaitable[None]] = _nothing
    health: Callable[[], Mapping[str, object]] = _healthy
    system: Callable[[], Awaitable[Mapping[str, object]]] | None = None
    configure: Callable[[NodeConfig], Awaitable[None]] | None = None
    deauthorize: Callable[[str, tuple[str, ...]], Awaitable[None]] | None = None
    purge: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeHalf:
    """A plugin's code on the node.

    Attributes:
        name: Short and unique (`gameservers`); names its folder under the data dir and its report.
        version: Of the plugin's distribution.
        start: Called once at boot, before the HTTP listener opens, with 120 s to finish. Raising leaves this half
            out (its routes answer 404, the panel is told the error); the others go on.
        routes: Pure: makes new blueprints each time it is called and touches nothing else, so that
            `muntin-node routes` lists them without Docker or a panel. Views reach what `start` made through
            `state_of`. Every view wants the node's bearer token unless it is marked `@public`.
    """

    name: str
    version: str
    start: Callable[[NodeContext], Awaitable[RunningHalf]]
    routes: Callable[[], tuple[Blueprint, ...]] = _no_routes
