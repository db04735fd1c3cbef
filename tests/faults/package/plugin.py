"""One contribution of every kind. `NAME` and `FAULTS` come from the data the package was made with."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from uuid import UUID

import pluggy
import typer
from pydantic import BaseModel
from quart import Response

from muntin.access import Actor
from muntin.call import Call
from muntin.contributions import (
    AccountUsage,
    Command,
    Dialect,
    EventSubscriber,
    HealthCheck,
    HealthReport,
    HookSpecs,
    Lifecycle,
    MailTemplate,
    MayDelete,
    Models,
    NavItem,
    NodeUsage,
    Objection,
    Permission,
    Promised,
    Route,
    Routes,
    Saga,
    SettingsModel,
    SlotContent,
    Task,
    Templates,
    Veto,
)
from muntin.database import transaction
from muntin.errors import MuntinError, Unavailable
from muntin.events import Event, EventEnvelope
from muntin.jobs import JobContext, SagaContext, enqueue
from muntin.plugins import hookimpl

HERE = Path(__file__).parent
_data = json.loads((HERE / "faults.json").read_text())
NAME: str = _data["name"]
FAULTS: Mapping[str, str] = _data["faults"]


def misbehave(place: str) -> None:
    """Do what `faults.json` says of the place."""
    match FAULTS.get(place, ""):
        case "raises":
            raise ZeroDivisionError("by design")
        case "unavailable":
            raise Unavailable
        case "blocking sleep":
            time.sleep(3600)
        case "endless loop":
            while True:
                pass
        case "os._exit":
            os._exit(7)
        case "memory balloon":
            held = []
            while True:
                held.append(b"x" * (16 * 1024 * 1024))
        case "slow import":
            time.sleep(3600)
        case "sys.exit":
            sys.exit(3)
        case "huge output":
            while True:
                os.write(1, b"x" * 65536)
                os.write(2, b"y" * 65536)


misbehave("import")

routes = Routes(dialect="native", prefix=f"/api/v1/{NAME}")
pages = Routes(dialect="pages", prefix=f"/{NAME}")


@routes.get("/things")
async def list_things(actor: Actor) -> dict[str, str]:
    """Things."""
    misbehave("route")
    return {"things": NAME}


@routes.post("/events")
async def tell(actor: Actor) -> dict[str, str]:
    """Record an event that the subscriber hears."""
    async with transaction() as events:
        events.add(Happened(thing=UUID(int=1)))
    return {"told": NAME}


@routes.post("/jobs")
async def work(actor: Actor) -> dict[str, str]:
    """Queue the job."""
    async with transaction() as events:
        await enqueue(events, f"{NAME}.work")
    return {"queued": NAME}


@pages.get("/page")
async def show(actor: Actor) -> Response:
    """A page."""
    misbehave("page")
    return Response("a page")


@routes.websocket("/socket")
async def hold(actor: Actor, call: Call) -> None:
    """Say one thing."""
    assert call.socket is not None
    await call.socket.accept()
    await call.socket.send("hello")


class Happened(Event):
    """Something happened."""

    type = f"{NAME}.happened"
    subject: ClassVar[str] = "thing"

    thing: UUID


class Settings(BaseModel):
    """Settings."""

    size: int = 1


class OwnDialect(Dialect):
    """An API surface of the plugin's own."""

    name: ClassVar[str] = NAME
    prefixes: ClassVar[tuple[str, ...]] = (f"/{NAME}-api",)

    async def authenticate(self, call: Call) -> Actor:
        return Actor.anonymous(call.address)

    async def render(self, call: Call, route: Route, result: Any) -> Response:
        return Response(json.dumps(result))

    async def render_error(self, call: Call, error: MuntinError) -> Response:
        return Response(error.code, status=error.status)


own_routes = Routes(dialect=NAME, prefix=f"/{NAME}-api")


@own_routes.get("/things")
async def list_own(actor: Actor) -> list[str]:
    """Things of the own dialect."""
    return [NAME]


async def hear(event: EventEnvelope) -> None:
    """Take an event."""
    misbehave("subscriber")


async def do_work(context: JobContext) -> None:
    """A job."""
    misbehave("job")
    if FAULTS.get("job") == "takes long":
        await context.progress(40, "Unpacking the archive… 2 of 4")
        await asyncio.sleep(3600)


async def do_saga(context: SagaContext) -> None:
    """A saga without steps."""


async def load(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the slot shows."""
    return {"text": NAME}


async def check() -> HealthReport:
    """All is well."""
    return HealthReport(ok=True, summary="well")


async def object_to(object_id: UUID | int) -> tuple[Objection, ...]:
    """No objection."""
    return ()


async def veto(actor: Actor, facts: Mapping[str, Any]) -> None:
    """No veto."""


async def promised(node_ids: Sequence[UUID]) -> Mapping[UUID, Promised]:
    """Nothing."""
    return {}


async def count(account_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """Nothing."""
    return {}


async def start(panel: object) -> None:
    """Nothing to start."""
    await asyncio.sleep(0)


@hookimpl
def muntin_models() -> Models:
    misbehave("hook")
    package = __name__.rpartition(".")[0]
    return Models(label=NAME, modules=(f"{package}.models",), migrations=f"{package}.migrations")


@hookimpl
def muntin_permissions() -> Iterable[Permission]:
    key = "admin.users.list" if FAULTS.get("permission") == "duplicate" else f"{NAME}.things.read"
    yield Permission(key=key, group=NAME, description="Things.")


@hookimpl
def muntin_routes() -> Iterable[Route]:
    yield from routes
    yield from pages
    yield from own_routes
    if FAULTS.get("routes") == "duplicate":
        extra = Routes(dialect="native")
        extra.get("/api/v1/account")(list_things)
        yield from extra


@hookimpl
def muntin_dialects() -> Iterable[Dialect]:
    yield OwnDialect()


@hookimpl
def muntin_settings() -> Iterable[SettingsModel]:
    yield SettingsModel(section=NAME, model=Settings, title=NAME)


@hookimpl
def muntin_events() -> Iterable[type[Event]]:
    yield Happened


@hookimpl
def muntin_event_subscribers() -> Iterable[EventSubscriber]:
    yield EventSubscriber(name="hear", event_types=(Happened.type,), handler=hear)


@hookimpl
def muntin_jobs() -> Iterable[Task | Saga]:
    yield Task(name=f"{NAME}.work", handler=do_work, backoff_s=1)
    yield Saga(name=f"{NAME}.saga", handler=do_saga)


@hookimpl
def muntin_mail_templates() -> Iterable[MailTemplate]:
    yield MailTemplate(name=f"{NAME}.hello", template=f"{NAME}/hello", subject="Hello")


@hookimpl
def muntin_templates() -> Templates:
    return Templates(templates=HERE / "templates")


@hookimpl
def muntin_nav_items() -> Any:
    if FAULTS.get("nav") == "wrong type":
        return [NavItem(label=None, path=7)]  # type: ignore[arg-type]  # what is to be refused
    return [NavItem(label=NAME, path=f"/{NAME}/page")]


@hookimpl
def muntin_slot_contents() -> Iterable[SlotContent]:
    yield SlotContent(slot="dashboard.cards", template=f"{NAME}/slot.html", load=load, title=NAME)


@hookimpl
def muntin_commands() -> Iterable[Command]:
    yield Command(name=NAME, help="Nothing.", app=typer.Typer)


@hookimpl
def muntin_usage() -> Iterable[NodeUsage | AccountUsage]:
    yield NodeUsage(promised=promised)
    yield AccountUsage(kind="servers", count=count)


@hookimpl
def muntin_health_checks() -> Iterable[HealthCheck]:
    yield HealthCheck(name=NAME, check=check)


@hookimpl
def muntin_may_delete() -> Iterable[MayDelete]:
    yield MayDelete(kind="account", check=object_to)


@hookimpl
def muntin_vetoes() -> Iterable[Veto]:
    yield Veto(moment="account.create", check=veto)


@hookimpl
def muntin_lifecycle() -> Iterable[Lifecycle]:
    yield Lifecycle(start=start, stop=start)


def things() -> list[str]:
    """What this plugin asks of others, and answers itself."""
    return [NAME]


def _offered() -> None:
    """What others are asked for."""


specs = ModuleType(f"{NAME}.hookspecs")
setattr(specs, f"{NAME}_things", pluggy.HookspecMarker("muntin")(_offered))
globals()[f"{NAME}_things"] = hookimpl(things)


@hookimpl
def muntin_hookspecs() -> HookSpecs:
    return HookSpecs(module=specs)
