"""From a credential to the actor it stands for; microseconds once it is known.

An actor is remembered for `KEPT_S`. Whoever takes something away from somebody calls `revoke` in the
same transaction: what is remembered dies at once here, and in other processes with the bus's message
or, should it be missed, within a second by the number in the database.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from muntin.access import Actor
from muntin.accounts import lookup
from muntin.accounts.cookies import cookie_of, sign_in_cookie, sign_out_cookie
from muntin.bus import Json
from muntin.database import Transaction
from muntin.errors import NotAuthenticated
from muntin.plugins.models import VersionRow
from muntin.runtime import panel
from muntin.versions import bump

if TYPE_CHECKING:
    from muntin.call import Call
    from muntin.panel import Panel

__all__ = ["actor_of_bearer", "actor_of_cookie", "forget_everything", "revoke", "sign_in_cookie", "sign_out_cookie"]

KEPT_S = 15.0
MAX_KEPT = 20_000
TOPIC = "accounts.revoked"
VERSION = "accounts"
_CLOSE_CODE = 4401

Load = Callable[[str, str], Awaitable[lookup.Found]]


@dataclass(frozen=True, slots=True)
class _Kept:
    actor: Actor
    until: float  # on the monotonic clock


@dataclass(slots=True)
class _State:
    """What this process knows of revocations."""

    panel: Panel | None = None  # the one that is watched
    generation: int = 0  # grows with each revocation, so that a load that began before one is not kept
    number: int = 0  # of the latest revocation when the database was looked at
    heard: set[Json] = field(default_factory=set)  # numbers of revocations that messages told of


_kept: dict[tuple[str, str], _Kept] = {}  # by secret and address
_state = _State()


async def actor_of_bearer(call: Call) -> Actor:
    """Who sends a request of the API: by access token or API key; nobody when there is neither.

    Raises:
        NotAuthenticated, TokenExpired, ApiKeyInactive: What was presented is not valid (any more).
        AddressNotAllowed: The key may not be used from there.
        AccountSuspended: The key's owner is.
    """
    token = call.bearer
    if token is None:
        if call.request.headers.get("Authorization"):
            raise NotAuthenticated
        return call.actor
    kept = _kept.get((token, call.address))
    if kept is not None and kept.until > time.monotonic():
        return kept.actor
    return await _remembered(lookup.by_bearer, token, call)


async def actor_of_cookie(call: Call) -> Actor:
    """Whose browser sends a request for a page; nobody when there is no cookie or it is over."""
    secret = cookie_of(call)
    if secret is None:
        return call.actor
    kept = _kept.get((secret, call.address))
    if kept is not None and kept.until > time.monotonic():
        return kept.actor
    try:
        return await _remembered(lookup.by_cookie, secret, call)
    except NotAuthenticated:
        return call.actor  # a page is then what it is for strangers


async def _remembered(load: Load, secret: str, call: Call) -> Actor:
    await _watch(panel())
    generation = _state.generation
    found = await load(secret, call.address)
    if generation == _state.generation:
        if len(_kept) >= MAX_KEPT:
            _kept.pop(next(iter(_kept)), None)
        lasts_s = min(KEPT_S, found.lasts_s)
        _kept[(secret, call.address)] = _Kept(found.actor, time.monotonic() + lasts_s)
    return found.actor


async def revoke(
    events: Transaction,
    *,
    accounts: Iterable[UUID] = (),
    sessions: Iterable[UUID] = (),
    keys: Iterable[UUID] = (),
    roles: Iterable[int] = (),
) -> None:
    """Forget what is remembered of these, in every process, and end their open sockets and streams.

    Call it in the transaction that takes something away (or gives something: what is remembered is then
    read anew). `roles` stands for everybody who has one of them.
    """
    await bump(VERSION)
    message: dict[str, Json] = {
        "number": await _number(),
        "accounts": [str(one) for one in accounts],
        "sessions": [str(one) for one in sessions],
        "keys": [str(one) for one in keys],
        "roles": list(roles),
    }
    events.after_commit(lambda: _tell(message))


def _tell(message: dict[str, Json]) -> None:
    _hear(TOPIC, message)
    panel().bus.publish(TOPIC, message)


def _hear(_topic: str, message: Json) -> None:
    """Forget whom a revocation names, and end their connections."""
    if not isinstance(message, dict):
        return
    _state.generation += 1
    _state.heard.add(message.get("number"))
    named = {name: set(value) for name, value in message.items() if isinstance(value, list)}

    def is_meant(actor: Actor) -> bool:
        return (
            str(actor.account_id) in named.get("accounts", ())
            or str(actor.session_id) in named.get("sessions", ())
            or str(actor.key_id) in named.get("keys", ())
            or actor.role_id in named.get("roles", ())
        )

    for secret in [secret for secret, kept in _kept.items() if is_meant(kept.actor)]:
        del _kept[secret]
    panel().connections.end(lambda call: is_meant(call.actor), _CLOSE_CODE, "revoked")


def forget_everything() -> None:
    """Read every actor anew when they come next."""
    _state.generation += 1
    _kept.clear()


async def _number() -> int:
    row = await VersionRow.get_or_none(name=VERSION)
    return row.number if row else 0


async def _watch(opened: Panel) -> None:
    """Hear of revocations in other processes; begins with the first credential a process reads."""
    if _state.panel is opened:
        return
    _state.panel, _state.heard = opened, set()
    forget_everything()
    opened.bus.subscribe(TOPIC, _hear)
    opened.versions.watch(VERSION, _make_up_for_missed)
    opened.settings.on_change(forget_everything)  # who has to enrol is a setting
    _state.number = await _number()


async def _make_up_for_missed() -> None:
    """If the database knows of a revocation that no message told of, trust nothing that is remembered."""
    before, _state.number = _state.number, await _number()
    missed = set(range(before + 1, _state.number + 1)) - _state.heard
    _state.heard.clear()
    if not missed:
        return
    forget_everything()
    connections = panel().connections
    actors = {one.call.actor.credential: one.call.actor for one in connections.open if one.call}
    changed = {name for name, actor in actors.items() if not await lookup.is_unchanged(actor)}
    connections.end(lambda call: call.actor.credential in changed, _CLOSE_CODE, "revoked")
