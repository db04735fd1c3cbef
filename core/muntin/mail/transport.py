"""Handing a message to the mail server."""

from __future__ import annotations

import asyncio
import logging
from email.message import EmailMessage

import aiosmtplib

from muntin.errors import MuntinError
from muntin.settings import MailSettings

log = logging.getLogger("muntin.mail")
TIMEOUT_S = 20.0


class MailFailed(MuntinError):
    """The mail server could not be reached or did not take the mail; trying again may help."""

    status = 502
    code = "mail_failed"
    default_message = "The mail could not be sent."


class MailRefused(MailFailed):
    """The mail server refuses this mail for good: trying again is no use."""


async def hand_over(message: EmailMessage, settings: MailSettings) -> None:
    """Give the message to the mail server, or note it in the log where that is the delivery.

    Raises:
        MailFailed: It did not take it; `MailRefused` if it never will. The message says what it said.
    """
    if settings.driver == "log":
        log.info(
            "Mail %s to %s is noted here and not sent (delivery is set to log)", message["Message-ID"], message["To"]
        )
        return
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await _send(message, settings)
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refused.code for refused in error.recipients]
        raise _failure(error, permanent=all(500 <= code < 600 for code in codes)) from error
    except aiosmtplib.SMTPAuthenticationError as error:
        raise _failure(error, permanent=False) from error  # the settings are wrong, not the mail
    except aiosmtplib.SMTPResponseException as error:
        raise _failure(error, permanent=500 <= error.code < 600) from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise _failure(error, permanent=False) from error


async def _send(message: EmailMessage, settings: MailSettings) -> None:
    await aiosmtplib.send(
        message,
        hostname=settings.host,
        port=settings.port,
        username=settings.username or None,
        password=settings.password.get_secret_value() if settings.password else None,
        use_tls=settings.encryption == "tls",
        start_tls=settings.encryption == "starttls",
        timeout=TIMEOUT_S,
    )


def _failure(error: Exception, *, permanent: bool) -> MailFailed:
    reason = " ".join(str(error).split()) or type(error).__name__
    return (MailRefused if permanent else MailFailed)(reason[:500])
