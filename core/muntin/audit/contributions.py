"""What the audit log brings to the core."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from muntin.access import Permission
from muntin.audit.service import forget_old
from muntin.contributions import Cron, Task
from muntin.settings import RetentionSettings, section
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.jobs.contexts import JobContext


async def forget_old_entries(context: JobContext) -> int:
    """Remove entries that are kept for long enough; answers how many."""
    return await forget_old(timedelta(days=section(RetentionSettings).audit_days))


PERMISSIONS = (
    Permission(key="admin.audit.view", group=_("Audit"), description=_("See who changed what, from where.")),
)
JOBS = (
    Task(name="core.forget_audit", handler=forget_old_entries),
    Cron(name="core.forget_audit_daily", expression="13 3 * * *", task="core.forget_audit"),
)
