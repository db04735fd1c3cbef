"""Asks what the tables say and what the contract lists for every route, and compares the answers with the contract."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muntin.roles.models import RoleRow
from muntin.testing.callers import Answer, Caller

from .promises import CONTRACT, Promise
from .rows import Row, Values
from .shapes import differences
from .world import World, at, nowhere

Cell = tuple[str, int, str]
"""A route, a status, and the code of the error; empty for success."""

ADDED: Mapping[str, set[str]] = {
    "Server": {"problem"},
    "Egg": {"startup_commands", "log_config", "tags", "version", "warnings"},
    "Settings": {"oidc", "outgoing", "retention"},
    "api": {"upload_limit"},
    "status": {"deleting"},
}
"""What muntin tells beyond the contract."""
ERROR = {"error": {"code": "string", "message": "string", "details": "object"}}
EVERYWHERE = frozenset({
    (400, "bad_request"), (401, "unauthorized"), (403, "forbidden"), (404, "not_found"), (422, "validation_error"),
    (429, "rate_limit_exceeded"), (500, "internal_error"),
})  # fmt: skip
"""What can be asked of each route without knowing it."""


ADMIN_SERVERS, LATER = "POST /api/v1/admin/servers", "stored, and brought to the node by a job that waits for it"
NEVER: Mapping[Cell, str] = {
    (ADMIN_SERVERS, 503, "node_unreachable"): LATER,
    (f"{ADMIN_SERVERS}/{{id}}/suspend", 503, "node_unreachable"): LATER,
    (f"{ADMIN_SERVERS}/{{id}}/reinstall", 503, "node_unreachable"): LATER,
    ("POST /api/v1/auth/logout", 403, "forbidden"): "whoever is signed in may sign out",
}
"""What the contract lists and nobody is ever answered, and why."""


@dataclass(slots=True)
class Findings:
    """What came of asking.

    Attributes:
        seen: The cells that were answered as the contract says.
        faults: In words, what was answered otherwise.
    """

    seen: set[Cell] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def take(self, promise: Promise, status: int, code: str, answer: Answer) -> None:
        """Compare one answer with what was promised."""
        wrong = list(_wrong(promise, status, code, answer))
        self.faults += [f"{promise.name} {status} {code}: {one}" for one in wrong]
        if not wrong:
            self.seen.add((promise.name, status, code))


async def ask_all(world: World, rows: Sequence[Row], promises: Mapping[str, Promise]) -> Findings:
    """Ask each row, and of each route in them what can be asked of every route."""
    findings = Findings()
    for row in rows:
        promise = promises[row.name]
        values = await row.given(world) if row.given else {}
        answer = await _caller(world, values).ask(
            promise.route.method, at(promise.path, values) + row.query, row.body_of(values)
        )
        findings.take(promise, row.status, row.code, answer)
        await world.settle()
    for row in _one_success_each(rows):
        await _ask_everywhere(world, row, promises[row.name], findings)
    return findings


def _one_success_each(rows: Sequence[Row]) -> list[Row]:
    return list({row.name: row for row in reversed(rows) if not row.code}.values())


async def _ask_everywhere(world: World, row: Row, promise: Promise, findings: Findings) -> None:
    values = await row.given(world) if row.given else {}
    method, body = promise.route.method, row.body_of(values)
    there, gone = at(promise.path, values) + row.query, nowhere(promise.path)
    caller = world.stranger() if promise.auth == "none" else world.boss
    for status, code in sorted(promise.errors & EVERYWHERE):
        if (promise.name, status, code) in NEVER:
            continue
        match status:
            case 400:
                answer = await caller.ask(method, gone, b"{")
            case 401:
                answer = await world.stranger().ask(method, there, body)
            case 403:
                answer = await (await _without_permission(world, promise, values)).ask(method, there, body)
            case 404:
                answer = await world.boss.ask(method, gone, body)
            case 422:
                answer = await caller.ask(method, there, {"unknown": 1})
            case 429:
                answer = await world.too_hasty(method, there, signed_in=promise.auth != "none")
            case _:
                answer = await world.with_a_fault(method, there, caller)
        findings.take(promise, status, code, answer)
    await world.settle()


def _caller(world: World, values: Values) -> Caller:
    by = values.get("by", world.boss)
    assert isinstance(by, Caller)
    return by


async def _without_permission(world: World, promise: Promise, values: Values) -> Caller:
    """A program whose key includes something else, or whoever would ask in a role that allows nothing."""
    if not (promise.route.guard and promise.route.guard.sessions_only):
        other = "account.sessions" if promise.permission == "account.ssh-keys" else "account.ssh-keys"
        return world.keys[other]
    by = _caller(world, values)
    nothing = await RoleRow.create(name=secrets.token_hex(4), slug=secrets.token_hex(4), permissions=[])
    changed = await world.boss.put(f"/api/v1/admin/users/{by.account_id}", {"role_id": nothing.id})
    assert changed.status == 200, changed.body
    return by


def _wrong(promise: Promise, status: int, code: str, answer: Answer) -> Iterator[str]:
    if answer.status != status:
        yield f"answered {answer.status} {answer.body}"
    elif code:
        yield from differences(answer.body, ERROR, {}, {}, "error")
        if answer.body["error"]["code"] != code:
            yield f"answered {answer.body}"
        if status in (423, 429) and int(answer.headers.get("Retry-After", 0)) < 1:
            yield "without Retry-After"
    else:
        yield from _wrong_success(promise.answer, answer)


def _wrong_success(promised: Any, answer: Answer) -> Iterator[str]:
    if promised == "bare":
        if not isinstance(answer.body, dict) or "data" in answer.body:
            yield "is not bare"
        return
    choices = promised["one_of"] if isinstance(promised, dict) and "one_of" in promised else [promised]
    objects = CONTRACT["objects"]
    found = [list(differences(answer.body, one, objects, ADDED, "")) for one in choices]
    yield from min(found, key=len)
    if isinstance(promised, dict) and isinstance(promised.get("data"), list) and not answer.body["data"]:
        yield "an empty list proves nothing"
