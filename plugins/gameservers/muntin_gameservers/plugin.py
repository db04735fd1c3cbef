"""What game servers add to the panel."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from muntin.bus import Json, Unsubscribe
from muntin.contributions import (
    AccountUsage,
    AuditWords,
    Command,
    Cron,
    Dialect,
    EventSubscriber,
    JobLimits,
    Lifecycle,
    MayDelete,
    Models,
    Moment,
    NavItem,
    NodeHalfNeeded,
    NodeUsage,
    Permission,
    Route,
    Saga,
    Slot,
    SlotContent,
    Task,
    Templates,
)
from muntin.events import Event
from muntin.panel import Panel
from muntin.plugins import hookimpl
from muntin.translation import _
from muntin_gameservers import audit_words, events, permissions
from muntin_gameservers.api import allocations_routes, nests_routes, servers_routes, startup_routes
from muntin_gameservers.cli import eggs as egg_commands
from muntin_gameservers.console.hub import hub
from muntin_gameservers.console.viewing import look_again_at
from muntin_gameservers.nests.seeding import ensure_catalogue
from muntin_gameservers.pages import contributions as page_contributions
from muntin_gameservers.pages import routes as page_routes
from muntin_gameservers.remote import routes as remote_routes
from muntin_gameservers.remote.dialect import WingsDialect
from muntin_gameservers.servers import jobs, objections, telling
from muntin_gameservers.servers.moments import MOMENTS
from muntin_gameservers.servers.usage import TOPIC, UsageTeller


@hookimpl
def muntin_models() -> Models:
    return Models(
        label="gameservers", modules=("muntin_gameservers.models",), migrations="muntin_gameservers.migrations"
    )


@hookimpl
def muntin_permissions() -> Iterable[Permission]:
    yield from permissions.PERMISSIONS


@hookimpl
def muntin_routes() -> Iterable[Route]:
    for module in (servers_routes, nests_routes, allocations_routes, startup_routes, remote_routes, page_routes):
        yield from module.routes


@hookimpl
def muntin_dialects() -> Iterable[Dialect]:
    yield WingsDialect()


@hookimpl
def muntin_events() -> Iterable[type[Event]]:
    yield from events.EVENTS


@hookimpl
def muntin_event_subscribers() -> Iterable[EventSubscriber]:
    yield EventSubscriber(name="reconcile", event_types=("node.online",), handler=jobs.node_returned)
    yield EventSubscriber(name="tell_of_nodes", event_types=("node.online", "node.offline"), handler=telling.node_went)
    yield EventSubscriber(name="forget_ports", event_types=("node.deleted",), handler=objections.node_deleted)
    yield EventSubscriber(name="forget_shares", event_types=("user.deleted",), handler=objections.account_deleted)


@hookimpl
def muntin_jobs() -> Iterable[Task | Saga | Cron | JobLimits]:
    yield JobLimits(concurrency=10)  # mostly waiting for nodes: as many as a worker takes
    yield from jobs.JOBS


@hookimpl
def muntin_templates() -> Templates:
    return Templates(templates=Path(__file__).parent / "templates")


@hookimpl
def muntin_audit_words() -> Iterable[AuditWords]:
    yield from audit_words.WORDS


@hookimpl
def muntin_nav_items() -> Iterable[NavItem]:
    yield NavItem(label=_("Game servers"), path="/servers", icon="server", order=20, permission="account.read")
    yield NavItem(
        label=_("Servers"),
        path="/admin/servers",
        icon="server",
        section="admin",
        permission="admin.servers.list",
        order=20,
    )
    yield NavItem(
        label=_("Eggs"), path="/admin/eggs", icon="egg", section="admin", permission="admin.eggs.list", order=40
    )


@hookimpl
def muntin_slot_contents() -> Iterable[SlotContent]:
    yield from page_contributions.CONTENTS


@hookimpl
def muntin_slots() -> Iterable[Slot]:
    yield from page_contributions.SLOTS


@hookimpl
def muntin_moments() -> Iterable[Moment]:
    yield from MOMENTS


@hookimpl
def muntin_commands() -> Iterable[Command]:
    yield egg_commands.command()


@hookimpl
def muntin_node_halves() -> Iterable[NodeHalfNeeded]:
    capabilities = (
        _("Runs containers through the Docker engine."),
        _("Keeps the files of servers, and serves them over SFTP."),
        _("Sends servers to other nodes, and takes them from there."),
    )
    yield NodeHalfNeeded(name="gameservers", capabilities=capabilities, paths=("/api/servers", "/api/transfers"))


@hookimpl
def muntin_usage() -> Iterable[NodeUsage | AccountUsage]:
    yield NodeUsage(promised=objections.promised)
    yield AccountUsage(kind="servers", count=objections.count_servers)


@hookimpl
def muntin_may_delete() -> Iterable[MayDelete]:
    yield MayDelete(kind="account", check=objections.account_may_go)
    yield MayDelete(kind="node", check=objections.node_may_go)


_subscriptions: list[Unsubscribe] = []


async def _start_web(panel: Panel) -> None:
    async def changed(topic: str, data: Json) -> None:
        await look_again_at(panel, data)

    _subscriptions.append(panel.bus.subscribe("gameservers.access", changed))


async def _start_worker(panel: Panel) -> None:
    """The worker tells pages what nodes report, so that it is told once however many web processes there are."""
    teller = UsageTeller()

    async def heard(topic: str, data: Json) -> None:
        if topic.endswith(f".{TOPIC}"):
            await teller.hear(topic, data)

    async def changed(topic: str, data: Json) -> None:
        teller.forget(data)

    _subscriptions.append(panel.bus.subscribe("node.*", heard))
    _subscriptions.append(panel.bus.subscribe("gameservers.access", changed))
    await ensure_catalogue()


async def _stop(panel: Panel) -> None:
    while _subscriptions:
        _subscriptions.pop()()
    await hub.close()


@hookimpl
def muntin_lifecycle() -> Iterable[Lifecycle]:
    yield Lifecycle(start=_start_web, stop=_stop, processes=("web",))
    yield Lifecycle(start=_start_worker, stop=_stop, processes=("worker",))
