"""What every page of the administration shares, and the overview: what needs attention first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from muntin.access import Actor, guarded
from muntin.accounts.models import AccountRow
from muntin.audit import by_whom, known_words, sentence
from muntin.audit.service import AuditQuery, list_audit_logs
from muntin.call import Call
from muntin.health import findings
from muntin.jobs.models import JobRow
from muntin.nodes.models import NodeRow
from muntin.pages.answers import Crumb, Page
from muntin.pages.rows import row
from muntin.pages.slots import slot
from muntin.plugins.models import PluginRow
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin", tags=("admin",))
LATEST = 8
"""Changes that the overview shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Something an administrator should look at."""

    kind: Literal["warning", "danger"]
    title: str
    text: str
    remedy: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The panel at a glance; a number is `None` where the actor may not know it."""

    matters: tuple[Matter, ...]
    accounts: int | None
    nodes: int | None
    nodes_online: int | None
    jobs_failed: int | None
    jobs_waiting: int | None
    plugins: int | None


def admin_page(
    template: str,
    title: str,
    values: Mapping[str, Any],
    *,
    above: tuple[tuple[str, str], ...] = (),
    status: int = 200,
) -> Page:
    """A page of the administration.

    Args:
        above: Label and path of the pages between the overview and this one.
    """
    crumbs = (
        Crumb(label=_("Administration"), path="/admin"),
        *(Crumb(label=label, path=path) for label, path in above),
        Crumb(label=title),
    )
    return Page(f"core/{template}.html", values, title=title, crumbs=crumbs, status=status)


@guarded("admin.overview")
async def load_overview(actor: Actor) -> Overview:
    """What needs attention, and how much there is of everything."""
    nodes = await NodeRow.all() if actor.may("admin.nodes.list") else None
    jobs = actor.may("admin.jobs.list")
    failed = await JobRow.filter(state="failed").count() if jobs else None
    matters = [*await _findings(), *await _plugins(actor), *_failed_jobs(failed)]
    return Overview(
        matters=tuple(sorted(matters, key=lambda one: one.kind != "danger")),  # the worst first
        accounts=await AccountRow.exclude(status="deleted").count() if actor.may("admin.users.list") else None,
        nodes=None if nodes is None else len(nodes),
        nodes_online=None if nodes is None else sum(node.status == "online" for node in nodes),
        jobs_failed=failed,
        jobs_waiting=await JobRow.filter(state__in=("queued", "running")).count() if jobs else None,
        plugins=len(panel().registry.enabled) - 1 if actor.may("admin.plugins.list") else None,
    )


async def _findings() -> list[Matter]:
    return [
        Matter(
            kind="danger" if one.report.needed else "warning",
            title=one.name[:1].upper() + one.name[1:],
            text=one.report.summary,
            remedy=one.report.remedy,
            path="/admin/nodes" if one.name == _("nodes") else "",
        )
        for one in await findings()
        if not one.report.ok
    ]


async def _plugins(actor: Actor) -> list[Matter]:
    """Plugins that could not be loaded, and those that were taken out."""
    if not actor.may("admin.plugins.list"):
        return []
    failed = [(one.plugin, one.reason, one.remedy) for one in panel().registry.failed]
    again = _("Enable it again once the cause is gone.")
    taken_out = [(row.name, row.reason, again) for row in await PluginRow.filter(state="quarantined")]
    return [
        Matter(
            kind="danger",
            title=_("The plugin {name} is not running", name=name),
            text=reason,
            remedy=remedy,
            path=f"/admin/plugins/{name}",
        )
        for name, reason, remedy in [*failed, *taken_out]
    ]


def _failed_jobs(count: int | None) -> list[Matter]:
    if not count:
        return []
    title = _("One job failed") if count == 1 else _("{count} jobs failed", count=count)
    text = _("Look at why, then run them again or leave them.")
    return [Matter(kind="warning", title=title, text=text, path="/admin/jobs?state=failed")]


async def _latest_changes(actor: Actor) -> list[dict[str, Any]]:
    """What was changed last, for those who may read the audit log."""
    if not actor.may("admin.audit.view"):
        return []
    page = await list_audit_logs(actor, AuditQuery(per_page=LATEST))
    words = known_words()
    return [row(one, words=sentence(one, words), by=by_whom(one)) for one in page.items]


@routes.get("", service=load_overview)
async def show_overview(actor: Actor, call: Call) -> Page:
    """What needs attention first."""
    overview, contents, changes = await asyncio.gather(
        load_overview(actor), slot(call, "admin.overview"), _latest_changes(actor)
    )
    values = {"overview": overview, "contents": contents, "changes": changes, "live_path": "/live"}
    return Page("core/admin/overview.html", values, title=_("Overview"))
