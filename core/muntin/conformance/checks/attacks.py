"""The attack families on the plugin's own routes, in a throw-away panel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable

from muntin.conformance.bench import Bench
from muntin.conformance.finding import Finding, Rule
from muntin.contributions import SettingsModel
from muntin.testing import probing

CALLER_RULE = Rule(
    "attack-caller",
    "error",
    "About a third of all advisories against panels: the wrong owner, role, scope or node gets through.",
    "Guard the service; give the row's class to guarded(on=...), and let visible_to leave out foreign rows.",
)
SMUGGLING_RULE = Rule(
    "attack-smuggling",
    "error",
    "Whoever adds a key to the body sets owners, limits or prices.",
    "Derive every body from muntin.schemas.Input.",
)
INPUT_RULE = Rule(
    "attack-input",
    "error",
    "Values that nobody meant must be refused, or kept as they were sent; never a fault of the panel.",
    "Use the types of muntin.schemas (Name, Line, Text) and limits of pydantic, for numbers and times too.",
)
READING_RULE = Rule(
    "attack-reading",
    "error",
    "Browsers, crawlers and link previews send GET by themselves.",
    "Change things only in POST, PUT, PATCH and DELETE.",
)
SETTING_RULE = Rule(
    "attack-setting",
    "error",
    "A setting that breaks the panel locks the administrator out of mending it.",
    "Limit the field in the settings model.",
)
UNARMED_RULE = Rule(
    "attack-unarmed",
    "note",
    "Routes with an id were attacked with ids that do not exist, which shows less than somebody else's would.",
    "Attack real rows in your own tests: muntin.testing.suites.attacks with the fixture attack_targets.",
)
SHOWN = 3


async def check(bench: Bench) -> AsyncIterator[Finding]:
    """Callers, bodies, queries, paths, settings, reading."""
    if missing := bench.targets.missing:
        named = "; ".join(f"{name} ({why})" for name, why in sorted(missing.items()))
        yield UNARMED_RULE.at("routes", f"Nothing could be made for {named:.600}.")
    routes, values = bench.routes, bench.targets.values
    _asked, through = await probing.let_through(bench.people, bench.admin, routes, values)
    neighbour = await bench.people.sign_in("neighbour")
    through += await probing.trespassed(neighbour, routes, bench.targets)
    for finding in _by_route(CALLER_RULE, through, "was answered"):
        yield finding
    targets = await probing.make_targets(routes, bench.owner, bench.admin, {})  # what got through may have deleted them
    for finding in _by_route(SMUGGLING_RULE, await probing.smuggled(bench.admin, routes, targets), "took the key"):
        yield finding
    written = await probing.written_by_reading(bench.admin, routes, targets)
    if written:
        yield READING_RULE.at("GET, HEAD, OPTIONS", f"Reading changed tables: {', '.join(written)}.")
    unstable = await probing.unstable(bench.admin, routes, targets)
    for finding in _by_route(INPUT_RULE, unstable, "was answered"):
        yield finding
    failed = await probing.settings_that_fail(bench.admin, bench.loaded.of(SettingsModel))
    if failed:
        yield SETTING_RULE.at("PUT /api/v1/admin/settings", f"Answered by a fault: {', '.join(failed[:SHOWN])}.")


def _by_route(rule: Rule, lines: Iterable[str], words: str) -> list[Finding]:
    """One finding per route, with the first few requests."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        told = line.split(": ", 1)[1] if rule is CALLER_RULE else line
        found[" ".join(told.split(" ")[:2]).rstrip(":")].append(line)
    return [rule.at(route, f"It {words}: {'; '.join(seen[:SHOWN])}{_more(seen)}.") for route, seen in found.items()]


def _more(seen: list[str]) -> str:
    return f" and {len(seen) - SHOWN} more" if len(seen) > SHOWN else ""
