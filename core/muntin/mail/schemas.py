"""Mail as it comes in and goes out of the API."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import EmailStr

from muntin.schemas import Input


class MailTestInput(Input):
    """Where a test mail is to go; by default to whoever asks."""

    email: EmailStr | None = None


@dataclass(frozen=True, slots=True)
class MailTestResult:
    """Whether a mail server took it; false when mail is only noted in the log."""

    sent: bool
