"""What programs add to the panel."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from muntin.access import Permission
from muntin.contributions import Lifecycle, Models, NavItem, NodeHalfNeeded, Templates
from muntin.events import Event
from muntin.jobs import Task
from muntin.panel import Panel
from muntin.plugins import hookimpl
from muntin.routing import Route
from muntin.translation import _
from muntin_programs import routes, service


@hookimpl
def muntin_models() -> Models:
    return Models(label="programs", modules=("muntin_programs.models",), migrations="muntin_programs.migrations")


@hookimpl
def muntin_permissions() -> Iterable[Permission]:
    yield Permission(key="programs.use", group="programs", description=_("Run programs."), held_by=("user",))


@hookimpl
def muntin_routes() -> Iterable[Route]:
    yield from routes.api
    yield from routes.pages


@hookimpl
def muntin_events() -> Iterable[type[Event]]:
    yield service.ProgramCreated


@hookimpl
def muntin_jobs() -> Iterable[Task]:
    yield from service.JOBS


@hookimpl
def muntin_templates() -> Templates:
    return Templates(templates=Path(__file__).parent / "templates")


@hookimpl
def muntin_nav_items() -> Iterable[NavItem]:
    yield NavItem(label=_("Programs"), path="/programs", icon="terminal-2", permission="programs.use", order=30)


@hookimpl
def muntin_node_halves() -> Iterable[NodeHalfNeeded]:
    yield NodeHalfNeeded(name="programs", capabilities=(_("Starts programs as children of the agent."),))


async def _start(panel: Panel) -> None:
    panel.bus.subscribe("node.*", _states)


async def _states(topic: str, data: object) -> None:
    if topic.endswith(".programs.state"):
        await service.take_state(topic, data)  # type: ignore[arg-type]  # the bus carries JSON


@hookimpl
def muntin_lifecycle() -> Iterable[Lifecycle]:
    yield Lifecycle(start=_start, processes=("worker",))
