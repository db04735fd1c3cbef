"""The attacks of `muntin.testing.attacks`, run: targets to aim at, and what got through, as sentences.

`muntin.testing.suites.attacks` makes tests of them, `muntin plugin check` findings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tortoise import Tortoise

from muntin.contributions import SettingsModel
from muntin.routing import WEBSOCKET, Route
from muntin.testing.attackers import grants_held, make_attackers
from muntin.testing.attacks import REFUSED, attack_cases, faults, hostile_bodies, hostile_paths, hostile_queries
from muntin.testing.callers import Caller, People
from muntin.testing.hostile import NUMBERS, TEXTS, WRONG
from muntin.testing.samples import VALUE, filled, sample

__all__ = [
    "Targets",
    "let_through",
    "make_targets",
    "settings_that_fail",
    "smuggled",
    "trespassed",
    "unstable",
    "written_by_reading",
]


@dataclass(slots=True)
class Targets:
    """What the attacks are aimed at.

    Attributes:
        values: Path value name -> id of something that exists and belongs to none of the attackers.
        missing: Path value names for which nothing could be made, with the reason.
        owner: Made what it may make itself; `owned` are the names of those path values.
    """

    owner: Caller

    values: dict[str, object] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    owned: set[str] = field(default_factory=set)

    def asker(self, route: Route, admin: Caller) -> Caller:
        """Who gets through to the handler: the owner of what the path names, else an administrator."""
        return self.owner if self.owned & {name for _kind, name in VALUE.findall(route.path)} else admin


async def make_targets(routes: Sequence[Route], owner: Caller, admin: Caller, known: Mapping[str, object]) -> Targets:
    """Make one of everything that the routes themselves can make.

    A route `POST /notes` that answers an `id` makes the target of `/notes/<uuid:note_id>`.

    Args:
        owner: A plain account; makes what it may.
        admin: Makes the rest.
        known: Values that need not be made; they win.
    """
    targets = Targets(owner, dict(known))
    for route in sorted(routes, key=lambda one: one.path.count("<")):
        name = _makes(route, routes)
        if name and name not in targets.values:
            answer = ""
            for maker in (owner, admin):
                made, answer = await _make(maker, route, targets.values)
                if made is not None:
                    targets.values[name] = made
                    targets.owned |= {name} if maker is owner else set()
                    break
            else:
                targets.missing[name] = f"POST {route.path}: {answer}"
    named = {name for route in routes for _kind, name in VALUE.findall(route.path)}
    targets.missing |= dict.fromkeys(named - targets.values.keys() - targets.missing.keys(), "no route makes one")
    return targets


async def let_through(
    people: People, admin: Caller, routes: Sequence[Route], values: Mapping[str, object]
) -> tuple[int, list[str]]:
    """Ask every route as every caller who must be refused; how many requests that were, and which were not refused."""
    callers, held = await make_attackers(people, admin), await grants_held()
    cases, through = list(attack_cases(routes, values, held)), []
    for case in cases:
        answer = await callers[case.caller].ask(case.route.method, case.path, case.body)
        if answer.status not in REFUSED[case.caller]:
            through.append(f"{case.label}: {answer.status}")
    return len(cases), through


async def trespassed(neighbour: Caller, routes: Sequence[Route], targets: Targets) -> list[str]:
    """What somebody else of the same role reaches by an id although no list shows it to them.

    `attack_cases` cannot know whether whoever has the permission may use a route with anybody's id; the plugin's own
    list tells: what it leaves out must not be reachable.
    """
    found = []
    for route in sorted(routes, key=lambda one: one.method != "GET"):  # what is deleted cannot be read any more
        names = [name for _kind, name in VALUE.findall(route.path)]
        if not targets.owned & set(names) or route.guard is None or route.method == WEBSOCKET:
            continue
        if await _is_shown(neighbour, route, routes, targets.values):
            continue
        body = {**sample(route.body), **_ids(route, targets.values)} if route.body else None
        answer = await neighbour.ask(route.method, filled(route.path, targets.values), body)
        if answer.status not in (401, 403, 404, 422):
            found.append(f"neighbour: {route.method} {route.path}: {answer.status}")
    return found


async def _is_shown(neighbour: Caller, route: Route, routes: Sequence[Route], values: Mapping[str, object]) -> bool:
    """Whether the list that the path begins with shows its first id."""
    stem = route.path[: route.path.index("/<")]
    if not any(one.path == stem and one.method == "GET" for one in routes):
        return False
    first = VALUE.findall(route.path)[0][1]
    answer = await neighbour.get(f"{stem}?per_page=100")
    return str(values.get(first)) in str(answer.body)


async def smuggled(admin: Caller, routes: Iterable[Route], targets: Targets) -> list[str]:
    """Bodies in which a key that the model does not know is taken."""
    found = []
    for route in routes:
        if route.body is None or route.form or route.method == WEBSOCKET:
            continue
        body = {**sample(route.body), **_ids(route, targets.values), "smuggled_in": 1}
        answer = await targets.asker(route, admin).ask(route.method, filled(route.path, targets.values), body)
        if answer.status < 400:
            found.append(f"{route.method} {route.path}: {answer.status}")
    return found


async def unstable(admin: Caller, routes: Sequence[Route], targets: Targets) -> list[str]:
    """Hostile bodies, queries and paths that were answered by a fault, or kept otherwise than sent."""
    found = []
    for asker in (admin, targets.owner):
        own = [one for one in routes if targets.asker(one, admin) is asker and not one.streams]
        asked = [one for one in own if one.method != "DELETE"]
        cases = [*hostile_bodies(asked, targets.values), *hostile_queries(asked, targets.values)]
        found += await faults(asker, [*cases, *hostile_paths(own, targets.values)])
    return found


async def written_by_reading(admin: Caller, routes: Iterable[Route], targets: Targets) -> list[str]:
    """Tables whose number of rows a GET, HEAD or OPTIONS changed."""
    before = await _counts()
    for route in routes:
        if route.method == "GET" and not route.streams:
            for verb in ("GET", "HEAD", "OPTIONS"):
                await targets.asker(route, admin).ask(verb, filled(route.path, targets.values))
    after = await _counts()
    return [f"{table}: {before[table]} -> {after[table]}" for table in sorted(before) if before[table] != after[table]]


async def settings_that_fail(admin: Caller, sections: Iterable[SettingsModel]) -> list[str]:
    """Hostile values of settings that are answered by a fault."""
    found = []
    for one in sections:
        for name in one.model.model_fields:
            for value in (*TEXTS[:3], *NUMBERS[:7:3], *WRONG[:4]):
                body = json.dumps({one.section: {name: value}}).encode()
                answer = await admin.put("/api/v1/admin/settings", body)
                if answer.status not in (200, 400, 422):
                    found.append(f"{one.section}.{name}={value!r:.40}: {answer.status}")
    return found


def _makes(route: Route, routes: Sequence[Route]) -> str:
    """The name of the path value that this route makes an id for; empty for none."""
    if route.method != "POST" or route.form or route.body is None:
        return ""
    prefix = f"{route.path}/<"
    for other in routes:
        if other.path.startswith(prefix):
            return str(VALUE.findall(other.path[len(route.path) :])[0][1])
    return ""


async def _make(maker: Caller, route: Route, values: Mapping[str, object]) -> tuple[object | None, str]:
    body = {**sample(route.body), **_ids(route, values)} if route.body else None
    answer = await maker.ask(route.method, filled(route.path, values), body)
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    if answer.status < 300 and isinstance(data, dict) and "id" in data:
        return data["id"], ""
    return None, f"{answer.status} {answer.body!r:.200}"


def _ids(route: Route, values: Mapping[str, object]) -> dict[str, str]:
    """Required fields of a body that are named like a target."""
    wanted = route.body.model_json_schema().get("required", ()) if route.body else ()
    return {name: str(values[name]) for name in wanted if name in values}


async def _counts() -> dict[str, int]:
    models = [model for app in (Tortoise.apps or {}).values() for model in app.values()]
    return {str(model._meta.db_table): await model.all().count() for model in models}
