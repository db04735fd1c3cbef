"""Sending what was queued; runs in the worker, at least once per mail."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from jinja2 import TemplateError

from muntin.database import compare_and_set, transaction
from muntin.encryption import CannotDecrypt, decrypt
from muntin.events import Event
from muntin.mail.events import MailGivenUp, MailSent
from muntin.mail.messages import build_message
from muntin.mail.models import DEAD, QUEUED, SENT, MailRow
from muntin.mail.queue import place_of
from muntin.mail.rendering import find_template, render
from muntin.mail.transport import MailFailed, MailRefused, hand_over
from muntin.settings import MailSettings, section

if TYPE_CHECKING:
    from muntin.jobs.contexts import JobContext

log = logging.getLogger("muntin.mail")
MAX_ATTEMPTS = 10
"""Over about four hours, with the delays of `BACKOFF_S`."""
BACKOFF_S = 30.0


async def send_mail(context: JobContext, *, mail_id: str) -> None:
    """Send one queued mail.

    Raises:
        MailFailed: To be called again, later and later; the last time the mail is given up instead.
    """
    mail = await MailRow.get_or_none(id=UUID(mail_id), state=QUEUED)
    if mail is None:
        return
    await MailRow.filter(id=mail.id).update(attempts=context.attempt)
    try:
        await _send(mail)
    except (MailRefused, TemplateError, CannotDecrypt) as error:
        await _give_up(mail, str(error))
    except MailFailed as error:
        await MailRow.filter(id=mail.id).update(last_error=error.message)
        if context.attempt < MAX_ATTEMPTS:
            raise
        await _give_up(mail, error.message)
    else:
        await _finish(mail, SENT, MailSent(mail_id=mail.id, template=mail.template), None)


async def _give_up(mail: MailRow, reason: str) -> None:
    log.warning("Mail %s (%s) is given up: %s", mail.id, mail.template, reason)
    await _finish(mail, DEAD, MailGivenUp(mail_id=mail.id, template=mail.template), reason)


async def _send(mail: MailRow) -> None:
    text = decrypt(mail.values or "", place_of(mail.id))
    values = {"name": mail.to_name, **orjson.loads(text)}
    try:
        rendered = render(find_template(mail.template), values)
        message = build_message(mail.id, rendered, to_address=mail.to_address, to_name=mail.to_name)
    except (LookupError, ValueError) as error:  # its plugin is disabled; the sender address is not one
        raise MailFailed(str(error)) from error
    await hand_over(message, section(MailSettings))


async def _finish(mail: MailRow, state: str, event: Event, error: str | None) -> None:
    """Keep how it ended and forget what was in it."""
    sent_at = datetime.now(UTC) if state == SENT else None
    async with transaction() as events:
        rows = MailRow.filter(id=mail.id, state=QUEUED)
        if await compare_and_set(rows, state=state, values=None, last_error=error, sent_at=sent_at):
            events.add(event)


async def forget_old(older_than: timedelta) -> int:
    """Delete mails of that age that are done with; answers how many."""
    before = datetime.now(UTC) - older_than
    return await MailRow.filter(state__in=(SENT, DEAD), created_at__lt=before).delete()


async def count_given_up(since: datetime) -> int:
    """Mails that could not be sent since then."""
    return await MailRow.filter(state=DEAD, updated_at__gte=since).count()
