"""How long messages and deliveries are kept, and what goes with an account."""

from __future__ import annotations

from uuid import UUID

from muntin.database import execute, transaction
from muntin.events import EventEnvelope
from muntin.jobs import Cron, JobContext, Task
from muntin.settings import section
from muntin_webhooks.deliveries.recording import now_ms
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.settings import WebhookSettings
from muntin_webhooks.telling import tell_changed

BATCH = 1000
MS_PER_DAY = 86_400_000
_OLD_DELIVERIES = """
DELETE FROM webhooks_delivery WHERE number IN (
    SELECT number FROM webhooks_delivery WHERE endpoint_id = ? AND created_at_ms < ? ORDER BY created_at_ms LIMIT ?)
"""
_OLD_MESSAGES = """
DELETE FROM webhooks_message WHERE id IN (
    SELECT id FROM webhooks_message WHERE recorded_at_ms < ? ORDER BY recorded_at_ms LIMIT ?)
"""
FORGET = "webhooks.forget_old"


async def forget_old(context: JobContext) -> int:
    """Remove what is kept for long enough, a little at a time; answers how many deliveries.

    What waits longer than that (for a webhook that is switched off) goes too.
    """
    before, gone = now_ms() - section(WebhookSettings).keep_days * MS_PER_DAY, 0
    for endpoint_id in await EndpointRow.all().values_list("id", flat=True):
        while count := await execute(_OLD_DELIVERIES, [endpoint_id, before, BATCH]):
            gone += count
    while await execute(_OLD_MESSAGES, [before, BATCH]):
        pass  # a little at a time, so that others get their turn at the store
    return gone


async def account_deleted(event: EventEnvelope) -> None:
    """The webhooks of an account go with it."""
    async with transaction() as events:
        for row in await EndpointRow.filter(account_id=UUID(event.resource_id)):
            await row.delete()
            tell_changed(events, row.id)


JOBS = (
    Task(name=FORGET, handler=forget_old, timeout_s=3600.0),
    Cron(name="webhooks.forget_daily", expression="41 3 * * *", task=FORGET),
)
