"""Health: alive, ready, and each check that plugins contribute."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from muntin.access import Actor, guarded
from muntin.contributions import HealthCheck, HealthReport
from muntin.database import ping
from muntin.plugins.boundaries import PluginTooSlow, checked, within
from muntin.plugins.registry import Owned
from muntin.runtime import panel
from muntin.translation import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check."""

    name: str
    plugin: str
    report: HealthReport


@guarded(None)
async def system_health(actor: Actor) -> None:
    """Answers as long as the process does."""


async def findings() -> list[Finding]:
    """Run every check of the enabled plugins side by side, each within its time."""
    checks = panel().registry.owned(HealthCheck)
    reports = await asyncio.gather(*(_run(owned) for owned in checks))
    return [
        Finding(name=owned.value.name, plugin=owned.plugin, report=report)
        for owned, report in zip(checks, reports, strict=True)
    ]


async def ready() -> list[Finding]:
    """The findings that keep the panel from being ready; empty when it is."""
    return [one for one in await findings() if one.report.needed and not one.report.ok]


async def _run(owned: Owned[HealthCheck]) -> HealthReport:
    check, title = owned.value, f"health check {owned.value.name}"
    try:
        report = await within(owned.plugin, title, check.check, deadline_s=check.timeout_s)
        return checked(owned.plugin, title, report, HealthReport)
    except (TimeoutError, PluginTooSlow):
        return HealthReport(ok=False, summary=_("No answer within {seconds} s.", seconds=check.timeout_s))
    except Exception as error:  # noqa: BLE001 - foreign code; a broken check is a finding, not a failure
        return HealthReport(ok=False, summary=f"{type(error).__name__}: {error}")


async def check_store() -> HealthReport:
    """Whether the database answers."""
    try:
        await ping()
    except OSError as error:
        remedy = _("Start the database, or correct MUNTIN_DATABASE_URL.")
        return HealthReport(ok=False, summary=str(error), remedy=remedy, needed=True)
    return HealthReport(ok=True, summary=_("The database answers."), needed=True)
