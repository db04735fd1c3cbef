"""How each kind of contribution is called by the panel, so that one that misbehaves can be seen to do no harm."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import typer
from pydantic import create_model, model_validator
from quart import request
from quart.testing.connections import WebsocketDisconnectError, WebsocketResponseError

from muntin import vetoes
from muntin.access import Actor
from muntin.accounts.administration import count_owned
from muntin.app import PanelApp
from muntin.call import Call
from muntin.cli.contributed import add_contributed
from muntin.contributions import (
    AccountUsage,
    Command,
    Dialect,
    EventSubscriber,
    HealthCheck,
    HookSpecs,
    Lifecycle,
    MailTemplate,
    MayDelete,
    NodeUsage,
    Route,
    Saga,
    SettingsModel,
    SlotContent,
    Task,
    Veto,
)
from muntin.database import transaction, uuid7
from muntin.deletion import refuse_objections
from muntin.events import EventEnvelope
from muntin.events.delivery import hand_over
from muntin.events.subscription import Subscription
from muntin.health import findings
from muntin.jobs import enqueue
from muntin.jobs.testing import run_pending
from muntin.mail.rendering import render
from muntin.nodes.usage import promised_of
from muntin.pages.slots import slot
from muntin.panel import Panel
from muntin.routing import WEBSOCKET
from muntin.settings.service import read_settings
from muntin.testing.attacks import filled, sample
from muntin.testing.callers import Caller
from muntin.testing.faults_injected import ByDesign, Fault, end_left_behind, leave_tasks

SHORT_S = 0.2
NOBODY = UUID(int=0)
Perform = Callable[[PanelApp, Caller], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One thing the core calls of a plugin.

    Attributes:
        name: Kind and name, for people.
        broken: The contribution with a fault in it.
        calls: Has the panel call it; what its caller saw, in a word or two.
    """

    name: str
    contribution: Any
    broken: Callable[[Fault], Any]
    calls: Perform

    async def perform(self, app: PanelApp, admin: Caller) -> str:
        """Call it, and end what it leaves behind."""
        try:
            return await self.calls(app, admin)
        finally:
            await end_left_behind()


def exercises(panel: Panel, plugin: str) -> Iterator[Exercise]:
    """Everything the core calls of a plugin."""
    for one in next(loaded for loaded in panel.registry.plugins if loaded.name == plugin).contributions:
        yield from _of(plugin, one)


def _of(plugin: str, one: Any) -> Iterator[Exercise]:
    match one:
        case Route():
            yield _exercise(f"route {one.method} {one.path}", one, "handler", _ask(one), timeout_s=SHORT_S)
        case SlotContent() if one.load:
            yield _exercise(f"slot content in {one.slot}", one, "load", _show(plugin, one))
        case EventSubscriber():
            yield _exercise(f"subscriber {one.name}", one, "handler", _tell(plugin, one), timeout_s=SHORT_S)
        case Task() | Saga():
            title = f"{type(one).__name__.lower()} {one.name}"
            yield _exercise(title, one, "handler", _work(plugin, one), timeout_s=SHORT_S)
        case HealthCheck():
            yield _exercise(f"health check {one.name}", one, "check", _check(one), timeout_s=SHORT_S)
        case MayDelete():
            yield _exercise(f"objections to deleting {one.kind}", one, "check", _object(one))
        case Veto():
            yield _exercise(f"veto of {one.moment}", one, "check", _veto(one), timeout_s=SHORT_S)
        case NodeUsage():
            yield _exercise("usage of nodes", one, "promised", _promise)
        case AccountUsage():
            yield _exercise(f"count of {one.kind}", one, "count", _count(one))
        case Lifecycle():
            yield from (
                _exercise(f"lifecycle {when}", one, when, _switch(plugin))
                for when in ("start", "stop")
                if getattr(one, when)
            )
        case MailTemplate():
            yield _of_mail(one)
        case Command():
            yield _of_command(one)
        case SettingsModel():
            yield _of_settings(one)
        case Dialect():
            for method in ("authenticate", "render", "render_error"):
                yield _of_dialect(one, method)
        case HookSpecs():
            yield from (_of_hook(plugin, one, hook) for hook, value in vars(one.module).items() if _is_spec(value))


def _is_spec(value: Any) -> bool:
    return hasattr(value, "muntin_spec")


def _exercise(name: str, one: Any, function: str, calls: Perform, **more: Any) -> Exercise:
    def broken(fault: Fault) -> Any:
        return replace(one, **{function: fault.breaks(getattr(one, function))}, **more)

    return Exercise(name=name, contribution=one, broken=broken, calls=calls)


def _of_hook(plugin: str, offered: HookSpecs, hook: str) -> Exercise:
    """A hook that the plugin offers and, where it answers it itself, its answer."""

    def fail() -> Any:
        raise ByDesign("by design")

    async def late() -> Any:
        """Not awaited by anybody."""

    def leak() -> Any:
        leave_tasks()

    answers: dict[str, Callable[[], Any]] = {
        "raises": fail, "wrong type": object, "async sleep": late, "leaks tasks": leak,
    }  # fmt: skip
    chosen: list[Fault] = []

    def broken(fault: Fault) -> HookSpecs:
        chosen[:] = [fault]
        return offered

    async def calls(app: PanelApp, admin: Caller) -> str:
        caller = getattr(app.panel.registry.manager.hook, hook)
        own = [one for one in caller.get_hookimpls() if one.plugin_name == plugin]
        kept = [one.function for one in own]
        for one in own if chosen else ():
            one.function = answers[chosen[0].name]
        try:
            told = app.panel.collect(hook)
        finally:
            for one, function in zip(own, kept, strict=True):
                one.function = function
        return f"{len(told)} answers"

    return Exercise(name=f"hook {hook}", contribution=offered, broken=broken, calls=calls)


def _of_mail(template: MailTemplate) -> Exercise:
    """Templates have no functions; one that raises and one that wants what is not there."""
    subjects = {"raises": "{{ 1 / 0 }}", "wrong type": "{{ nothing.of.this }}"}

    async def calls(app: PanelApp, admin: Caller) -> str:
        found = next(one for one in app.panel.registry.of(MailTemplate) if one.name == template.name)
        render(found, template.sample)
        return "rendered"

    def broken(fault: Fault) -> MailTemplate:
        return replace(template, subject=subjects.get(fault.name, template.subject))

    return Exercise(name=f"mail {template.name}", contribution=template, broken=broken, calls=calls)


def _of_command(command: Command) -> Exercise:
    def fail() -> Any:
        raise ByDesign("by design")

    apps: dict[str, Callable[[], Any]] = {"raises": fail, "wrong type": object}

    async def calls(app: PanelApp, admin: Caller) -> str:
        groups = typer.Typer()
        add_contributed(groups, app.panel.registry.owned(Command))
        return "there" if command.name in {group.name for group in groups.registered_groups} else "left out"

    def broken(fault: Fault) -> Command:
        return replace(command, app=apps.get(fault.name, command.app))

    return Exercise(name=f"command {command.name}", contribution=command, broken=broken, calls=calls)


def _of_settings(settings: SettingsModel) -> Exercise:
    def broken(fault: Fault) -> SettingsModel:
        def fail(values: Any) -> Any:
            raise ByDesign("by design")

        def odd(values: Any) -> Any:
            return object()

        validators = {"raises": fail, "wrong type": odd}
        if fault.name not in validators:
            return settings
        name, base = settings.model.__name__, settings.model
        wrong: Any = model_validator(mode="before")(staticmethod(validators[fault.name]))
        return replace(settings, model=create_model(name, __base__=base, __validators__={"_by_design": wrong}))

    async def calls(app: PanelApp, admin: Caller) -> str:
        views = await read_settings(Actor.system())
        return "shown" if settings.section in {view.section for view in views} else "left out"

    return Exercise(name=f"settings {settings.section}", contribution=settings, broken=broken, calls=calls)


def _of_dialect(dialect: Dialect, method: str) -> Exercise:
    def broken(fault: Fault) -> Dialect:
        other = copy.copy(dialect)
        work = fault.breaks(getattr(dialect, method))

        async def call(_self: Dialect, *values: Any) -> Any:
            return await work(*values)

        other.__class__ = type(type(dialect).__name__, (type(dialect),), {method: call})
        return other

    async def calls(app: PanelApp, admin: Caller) -> str:
        routes = [route for route in app.panel.tables.routes if route.dialect == dialect.name and route.method == "GET"]
        paths = [filled(route.path, {}) for route in routes[:1] if method != "render_error"]
        answer = await admin.get(next(iter(paths), f"{dialect.prefixes[0].rstrip('/')}/nothing-is-here"))
        return str(answer.status)

    return Exercise(name=f"dialect {dialect.name}: {method}", contribution=dialect, broken=broken, calls=calls)


def _ask(route: Route) -> Perform:
    path = filled(route.path, {})

    async def calls(app: PanelApp, admin: Caller) -> str:
        if route.method == WEBSOCKET:
            return await _open(app, admin, path)
        body = sample(route.body) if route.body else None
        cookie = {"Cookie": f"muntin={admin.session.secret}"} if route.dialect == "pages" and admin.session else {}
        answer = await admin.ask(route.method, path, body, **cookie)
        return str(answer.status)

    return calls


async def _open(app: PanelApp, admin: Caller, path: str) -> str:
    client = app.test_client(use_cookies=False)
    try:
        async with client.websocket(path, headers={"Authorization": f"Bearer {admin.token}"}) as socket:
            await socket.receive()
            return "spoke"
    except WebsocketResponseError as error:
        return str(error.response.status_code)
    except WebsocketDisconnectError as error:
        return f"closed {error.args[0]}"


def _show(plugin: str, content: SlotContent) -> Perform:
    async def calls(app: PanelApp, admin: Caller) -> str:
        async with app.test_request_context("/"):
            call = Call.of(request._get_current_object(), ())  # type: ignore[attr-defined]  # the request behind the proxy
            call.actor = Actor.system()
            shown = [one for one in await slot(call, content.slot) if one.plugin == plugin]
        return "left out" if any(one.failed for one in shown) else "shown"

    return calls


def _tell(plugin: str, subscriber: EventSubscriber) -> Perform:
    async def calls(app: PanelApp, admin: Caller) -> str:
        found = next(
            one.value for one in app.panel.registry.owned(EventSubscriber) if one.value.name == subscriber.name
        )
        subscription = Subscription(
            name=found.name, plugin=plugin, event_types=("*",), handler=found.handler, timeout_s=found.timeout_s
        )
        return "tried again" if await hand_over(subscription, _event()) else "taken"

    return calls


def _event() -> EventEnvelope:
    return EventEnvelope(
        id=uuid7(),
        type="muntin.tried",
        version=1,
        resource_type="muntin",
        resource_id=str(NOBODY),
        sequence=1,
        occurred_at=datetime.now(UTC),
        actor_id=None,
        payload={},
    )


def _work(plugin: str, job: Task | Saga) -> Perform:
    async def calls(app: PanelApp, admin: Caller) -> str:
        async with transaction() as events:
            await enqueue(events, job.name, key=str(uuid7()))
        found = next(one.value for one in app.panel.registry.owned(type(job)) if one.value.name == job.name)
        ran = await run_pending([found])
        return str(ran[0].state) if ran else "not run"

    return calls


def _check(check: HealthCheck) -> Perform:
    async def calls(app: PanelApp, admin: Caller) -> str:
        found = next(one for one in await findings() if one.name == check.name)
        return "well" if found.report.ok else "unwell"

    return calls


def _object(check: MayDelete) -> Perform:
    async def calls(app: PanelApp, admin: Caller) -> str:
        await refuse_objections(check.kind, NOBODY)
        return "may go"

    return calls


def _veto(veto: Veto) -> Perform:
    async def calls(app: PanelApp, admin: Caller) -> str:
        await vetoes.ask(veto.moment, Actor.system(), {})
        return "may happen"

    return calls


async def _promise(app: PanelApp, admin: Caller) -> str:
    return f"{(await promised_of([NOBODY]))[NOBODY].memory_mib} MiB"


def _count(usage: AccountUsage) -> Perform:
    async def calls(app: PanelApp, admin: Caller) -> str:
        return f"{sum((await count_owned(usage.kind, [NOBODY])).values())} counted"

    return calls


def _switch(plugin: str) -> Perform:
    async def calls(app: PanelApp, admin: Caller) -> str:
        registry = app.panel.registry
        enabled = registry.enabled
        registry.switch(enabled - {plugin})
        await _settled()
        registry.switch(enabled)
        await _settled()
        return "switched"

    return calls


async def _settled() -> None:
    """Let what starts and stops have its time."""
    own = [task for task in asyncio.all_tasks() if task.get_name().startswith(("start:", "stop:"))]
    with suppress(asyncio.CancelledError):
        await asyncio.wait(own, timeout=5) if own else None
