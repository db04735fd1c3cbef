"""What nodes contribute to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muntin.access import Permission
from muntin.contributions import HealthCheck, HealthReport, Lifecycle, Moment
from muntin.health import check_store
from muntin.nodes.client import close_client
from muntin.nodes.events import EVENTS as EVENTS
from muntin.nodes.halves import check_halves
from muntin.nodes.models import NodeRow
from muntin.nodes.reporting import watch_nodes
from muntin.nodes.routes import routes
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.panel import Panel

ROUTES = tuple(routes)

PERMISSIONS = (
    Permission(key="admin.nodes.list", group="admin", description=_("See nodes."), held_by=("moderator",)),
    Permission(key="admin.nodes.create", group="admin", description=_("Add nodes.")),
    Permission(key="admin.nodes.update", group="admin", description=_("Change nodes and see their credentials.")),
    Permission(key="admin.nodes.delete", group="admin", description=_("Remove nodes.")),
)
MOMENTS = (Moment(name="node.delete", description=_("Before a node is removed; `node_id`, `name`.")),)


async def _nodes_answer() -> HealthReport:
    away = [row.name for row in await NodeRow.filter(maintenance_mode=False) if row.status == "offline"]
    if not away:
        return HealthReport(ok=True, summary=_("Every node reports."))
    remedy = _("Start muntin-node there, and look whether it reaches the panel (muntin-node doctor).")
    return HealthReport(ok=False, summary=_("Not heard of: {names}.", names=", ".join(away)), remedy=remedy)


HEALTH_CHECKS = (
    HealthCheck(name=_("database"), check=check_store),
    HealthCheck(name=_("nodes"), check=_nodes_answer),
    HealthCheck(name=_("plugins on nodes"), check=check_halves),
)


async def _start(panel: Panel) -> None:
    panel.start_task("core", watch_nodes(), name="nodes")


async def _stop(panel: Panel) -> None:
    await close_client()


LIFECYCLES = (Lifecycle(start=_start, processes=("worker",)), Lifecycle(stop=_stop))
