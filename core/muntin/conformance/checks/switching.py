"""Starting, stopping, disabling and enabling; and everything else that a panel calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from uuid import uuid4

import typer

from muntin.accounts.lookup import actor_of_account
from muntin.accounts.models import AccountRow
from muntin.conformance.bench import Bench
from muntin.conformance.finding import Finding, Rule
from muntin.contributions import (
    AccountUsage,
    Command,
    EventSubscriber,
    HealthCheck,
    HealthReport,
    Lifecycle,
    MayDelete,
    NodeUsage,
    Promised,
    SlotContent,
)
from muntin.testing.samples import filled

LIFECYCLE_RULE = Rule(
    "lifecycle-fails",
    "error",
    "The plugin counts as enabled and does nothing, or holds up the end of every process.",
    "Let start and stop return within five seconds and raise nothing; work that lasts goes into panel.start_task.",
)
LEAK_RULE = Rule(
    "lifecycle-leak",
    "error",
    "What goes on after the plugin was disabled is the very thing that disabling is for.",
    "Start tasks with panel.start_task(plugin, ...); end in `stop` what `start` began, threads above all.",
)
SWITCH_RULE = Rule(
    "switch-fails",
    "error",
    "Operators disable and enable plugins while the panel runs.",
    "Let the plugin hold nothing that is lost when it is disabled.",
)
CALLABLE_RULE = Rule(
    "callable-fails",
    "error",
    "The panel calls it in the middle of somebody else's page or deletion.",
    "Answer what the contribution's page in docs/plugins/hooks says, for unknown ids too.",
)
LIMIT_S = 5.0
POOLS = ("asyncio_", "ThreadPoolExecutor")
"""Threads that stay for whoever needs one next."""


async def check(bench: Bench) -> AsyncIterator[Finding]:
    """Callables of contributions, then the switch, then start and stop."""
    async for finding in _callables(bench):
        yield finding
    async for finding in _switch(bench):
        yield finding
    for lifecycle in bench.loaded.of(Lifecycle):
        async for finding in _lifecycle(bench, lifecycle):
            yield finding


async def _switch(bench: Bench) -> AsyncIterator[Finding]:
    readable = [one for one in bench.routes if one.method == "GET" and not one.streams and "<" not in one.path]
    registry, enabled = bench.app.panel.registry, bench.app.panel.registry.enabled
    for route in readable[:3]:
        before = (await bench.admin.get(filled(route.path, {}))).status
        registry.switch(enabled - {bench.loaded.name})
        gone = (await bench.admin.get(filled(route.path, {}))).status
        registry.switch(enabled)
        back = (await bench.admin.get(filled(route.path, {}))).status
        if (gone, back) != (404, before):
            yield SWITCH_RULE.at(f"GET {route.path}", f"Enabled {before}, disabled {gone}, enabled again {back}.")


async def _lifecycle(bench: Bench, lifecycle: Lifecycle) -> AsyncIterator[Finding]:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    for word, step in (("start", lifecycle.start), ("stop", lifecycle.stop)):
        problem = await _problem(step(bench.app.panel), LIMIT_S) if step else ""
        if problem:
            yield LIFECYCLE_RULE.at(f"lifecycle {word}", problem)
    await bench.app.panel.tasks.end(bench.loaded.name)
    await asyncio.sleep(0)  # what was cancelled just now ends
    left = [task.get_name() for task in asyncio.all_tasks() - tasks if not task.done()]
    left += [thread.name for thread in set(threading.enumerate()) - threads if not thread.name.startswith(POOLS)]
    if left:
        yield LEAK_RULE.at("lifecycle stop", f"Still running: {', '.join(sorted(left))}.")


async def _callables(bench: Bench) -> AsyncIterator[Finding]:
    loaded, none = bench.loaded, uuid4()
    for check_ in loaded.of(HealthCheck):
        if problem := await _answer(check_.check(), HealthReport, check_.timeout_s):
            yield CALLABLE_RULE.at(f"health check {check_.name}", problem)
    for objector in loaded.of(MayDelete):
        if problem := await _answer(objector.check(none), tuple, LIMIT_S):
            yield CALLABLE_RULE.at(f"may delete {objector.kind}", problem)
    for usage in loaded.of(NodeUsage):
        if problem := await _answer(usage.promised([none]), dict, LIMIT_S):
            yield CALLABLE_RULE.at(f"usage of nodes ({Promised.__name__})", problem)
    for owned in loaded.of(AccountUsage):
        if problem := await _answer(owned.count([none]), dict, LIMIT_S):
            yield CALLABLE_RULE.at(f"usage of accounts: {owned.kind}", problem)
    for content in loaded.of(SlotContent):
        if content.load is not None and content.slot in {"dashboard.cards", "account.tabs", "admin.overview"}:
            account = await AccountRow.get(id=bench.admin.account_id).select_related("role")
            actor = actor_of_account(account, bench.admin.address)
            if problem := await _answer(content.load(actor, {}), (dict, type(None)), 2.0):
                yield CALLABLE_RULE.at(f"slot {content.slot}", problem)
    for command in loaded.of(Command):
        problem = _command(command)
        if problem:
            yield CALLABLE_RULE.at(f"command {command.name}", problem)
    for subscriber in loaded.of(EventSubscriber):
        if subscriber.timeout_s <= 0:
            yield CALLABLE_RULE.at(f"subscriber {subscriber.name}", "Its timeout_s is not above 0.")


def _command(command: Command) -> str:
    try:
        app = command.app()
    except Exception as error:  # noqa: BLE001 - foreign code
        return f"{type(error).__name__}: {error}"
    return "" if isinstance(app, typer.Typer) else f"It gives {type(app).__name__}, not a Typer application."


async def _answer(work: Awaitable[object], kinds: type | tuple[type, ...], limit_s: float) -> str:
    """What is wrong with it; empty when it answers one of the kinds in time."""
    answers: list[object] = []

    async def asked() -> None:
        answers.append(await work)

    problem = await _problem(asked(), limit_s)
    if problem or isinstance(answers[0], kinds):
        return problem
    return f"It answers {answers[0]!r:.80}."


async def _problem(work: Awaitable[object], limit_s: float) -> str:
    try:
        async with asyncio.timeout(limit_s):
            await work
    except TimeoutError:
        return f"It takes longer than {limit_s:g} s."
    except Exception as error:  # noqa: BLE001 - foreign code
        return f"{type(error).__name__}: {error}"
    return ""
