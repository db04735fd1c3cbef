"""Writing down that a mail is to be sent, in the transaction of what causes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from muntin.api.json import dumps
from muntin.contributions import MailTemplate
from muntin.database import Transaction, uuid7
from muntin.encryption import encrypt
from muntin.jobs import enqueue
from muntin.mail.models import MailRow
from muntin.runtime import panel

SEND_TASK = "core.send_mail"


class Addressee(Protocol):
    """Anybody with an address; accounts are."""

    @property
    def email(self) -> str:
        """The address."""
        ...

    @property
    def username(self) -> str:
        """How the mail greets them."""
        ...


async def send(
    events: Transaction,
    template: str,
    *,
    to: Addressee | str,
    values: Mapping[str, object] | None = None,
) -> UUID:
    """Queue a mail; it leaves after the transaction committed.

    Args:
        template: Name of a `MailTemplate` that the core or a plugin contributes.
        to: An address, or somebody who has one.
        values: What the template is filled with, as JSON; kept encrypted until the mail is sent, then forgotten.

    Returns:
        The id of the mail, which is its Message-ID.

    Raises:
        LookupError: There is no such template.
        ValueError: The address is not one.
    """
    if template not in {one.value.name for one in panel().registry.known(MailTemplate)}:
        raise LookupError(f"no plugin contributes the mail template {template!r}")
    mail_id = uuid7()
    await MailRow.create(
        id=mail_id,
        template=template,
        to_address=checked_address(to if isinstance(to, str) else to.email),
        to_name="" if isinstance(to, str) else to.username,
        values=encrypt(dumps(dict(values or {})).decode(), place_of(mail_id)),
    )
    await enqueue(events, SEND_TASK, key=str(mail_id), mail_id=str(mail_id))
    return mail_id


def checked_address(address: str) -> str:
    """The address, if it is one that a mail can be sent to.

    Raises:
        ValueError: It is not.
    """
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error


def place_of(mail_id: UUID) -> str:
    """What the encrypted values of a mail are bound to."""
    return f"mail:{mail_id}"
