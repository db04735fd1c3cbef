"""What the panel's overview, accounts and the doctor are told of webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from tortoise.functions import Count

from muntin.contributions import HealthReport
from muntin.translation import _
from muntin_webhooks.models import EndpointRow


async def count_webhooks(ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """How many webhooks the accounts have."""
    rows = EndpointRow.filter(account_id__in=list(ids)).annotate(n=Count("id")).group_by("account_id")
    return {UUID(str(account_id)): int(n) for account_id, n in await rows.values_list("account_id", "n")}


async def check_webhooks() -> HealthReport:
    """Whether the panel-wide webhooks get through."""
    off = await EndpointRow.filter(account_id=None, is_enabled=False).exclude(disabled_reason="").count()
    failing = await EndpointRow.filter(account_id=None, is_enabled=True, failing_since_ms__isnull=False).count()
    if not off and not failing:
        return HealthReport(ok=True, summary=_("Every panel-wide webhook gets through."))
    return HealthReport(
        ok=False,
        summary=_("{failing} panel-wide webhooks fail, {off} were switched off.", failing=failing, off=off),
        remedy=_("Look at their log under Administration, Webhooks."),
    )
