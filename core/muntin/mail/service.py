"""What administrators do with mail."""

from __future__ import annotations

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts.models import AccountRow
from muntin.database import transaction, uuid7
from muntin.errors import InvalidInput
from muntin.mail.messages import build_message
from muntin.mail.queue import checked_address
from muntin.mail.rendering import find_template, render
from muntin.mail.transport import MailFailed, hand_over
from muntin.settings import MailSettings, section
from muntin.translation import _

TEST = "core.test"


@guarded("admin.settings.mail")
async def send_test_mail(actor: Actor, *, email: str | None = None) -> bool:
    """Send a test mail at once, so that what goes wrong can be shown.

    Args:
        email: Where to; by default the actor's own address.

    Returns:
        Whether a mail server took it; false when mail is only noted in the log.

    Raises:
        MailFailed: With what the mail server said.
    """
    mail_id, settings = uuid7(), section(MailSettings)
    to_address = email or await _own_address(actor)
    rendered = render(find_template(TEST), {"name": actor.username})
    try:
        await hand_over(build_message(mail_id, rendered, to_address=checked_address(to_address)), settings)
    except ValueError as error:
        raise MailFailed(str(error)) from error
    async with transaction() as events:
        await audit.record(events, actor, "mail.tested", ("mail", mail_id), {"to": to_address})
    return settings.driver == "smtp"


async def _own_address(actor: Actor) -> str:
    account = await AccountRow.get_or_none(id=actor.account_id) if actor.account_id else None
    if account is None:
        raise InvalidInput.of("email", _("Say where the mail is to go."))
    return account.email
