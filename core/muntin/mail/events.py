"""What happens to mails. None of these tells the text, the address, or what the mail server said of it."""

from __future__ import annotations

from uuid import UUID

from muntin.events import Event


class MailSent(Event):
    """The mail server took the mail."""

    type = "mail.sent"
    subject = "mail_id"

    mail_id: UUID
    template: str


class MailGivenUp(Event):
    """The mail could not be sent, however often it was tried."""

    type = "mail.given_up"
    subject = "mail_id"

    mail_id: UUID
    template: str
