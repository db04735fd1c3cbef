"""Switching off a webhook through which nothing gets any more, and telling those who can mend it."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from muntin import clock, mail
from muntin.accounts.lookup import holders_of
from muntin.accounts.models import AccountRow
from muntin.database import Transaction, compare_and_set, transaction
from muntin.settings import public_url, section
from muntin.translation import _
from muntin_webhooks.events import WebhookDisabled
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.permissions import ADMIN
from muntin_webhooks.sending.turn import Health
from muntin_webhooks.settings import WebhookSettings
from muntin_webhooks.telling import tell_changed

MAIL = "webhooks.disabled"
MS_PER_HOUR = 3_600_000

log = logging.getLogger("muntin.webhooks")


def reason_to_disable(health: Health) -> str | None:
    """Why the webhook has to be switched off; `None` when it is well enough."""
    if health.is_gone:
        return _("The receiver answered that it wants nothing more (status {status}).", status=health.last_status)
    hours = section(WebhookSettings).disable_after_hours
    since_ms = health.failing_since_ms
    if since_ms is None or clock.now_s() * 1000 - since_ms < hours * MS_PER_HOUR:
        return None
    return _("Nothing got through for {hours} hours.", hours=hours)


async def disable(endpoint_id: UUID, reason: str) -> bool:
    """Switch it off, once; what waits stays, and goes on when it is switched on again."""
    async with transaction() as events:
        row = await EndpointRow.get_or_none(id=endpoint_id)
        if row is None or not await compare_and_set(
            EndpointRow.filter(id=endpoint_id, is_enabled=True),
            is_enabled=False,
            disabled_reason=reason,
            revision=time.time_ns(),
        ):
            return False
        events.add(WebhookDisabled(webhook_id=row.id, name=row.name, account_id=row.account_id, reason=reason))
        tell_changed(events, endpoint_id)
        await _tell(events, row, reason)
    log.warning("Webhook %s was switched off: %s", endpoint_id, reason)
    return True


async def _tell(events: Transaction, row: EndpointRow, reason: str) -> None:
    """Mail its owner; where it is the panel's, everybody who can mend it."""
    path = f"/webhooks/{row.id}" if row.account_id else f"/admin/webhooks/{row.id}"
    values = {"name": row.name, "reason": reason, "url": public_url() + path}
    whom = AccountRow.filter(id=row.account_id, status="active")
    for account in await whom if row.account_id else await holders_of(ADMIN):
        try:
            await mail.send(events, MAIL, to=account, values=values)
        except ValueError as error:
            log.warning("No mail to %s: %s", account.username, error)  # an address that is none
