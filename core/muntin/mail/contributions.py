"""What mail brings to the core."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from muntin.contributions import Cron, HealthCheck, HealthReport, MailTemplate, Task
from muntin.mail.delivery import BACKOFF_S, MAX_ATTEMPTS, count_given_up, forget_old, send_mail
from muntin.mail.events import MailGivenUp, MailSent
from muntin.mail.queue import SEND_TASK
from muntin.settings import RetentionSettings, section
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.jobs.contexts import JobContext

_LINK = "https://panel.example.org/link"


async def forget_old_mails(context: JobContext) -> int:
    """Remove mails that are kept for long enough; answers how many."""
    return await forget_old(timedelta(days=section(RetentionSettings).mail_days))


async def check_mail() -> HealthReport:
    """Whether mails leave."""
    given_up = await count_given_up(datetime.now(UTC) - timedelta(days=1))
    if not given_up:
        return HealthReport(ok=True, summary=_("Every mail of the last day was taken by the mail server."))
    return HealthReport(
        ok=False,
        summary=_("{count} mails of the last day could not be sent.", count=given_up),
        remedy=_("Look at the mail settings and send a test mail."),
    )


EVENTS = (MailSent, MailGivenUp)
JOBS = (
    Task(name=SEND_TASK, handler=send_mail, max_attempts=MAX_ATTEMPTS, backoff_s=BACKOFF_S, timeout_s=60.0),
    Task(name="core.forget_mails", handler=forget_old_mails),
    Cron(name="core.forget_mails_daily", expression="23 3 * * *", task="core.forget_mails"),
)
HEALTH_CHECKS = (HealthCheck(name="mail", check=check_mail),)
MAIL_TEMPLATES = (
    MailTemplate(
        name="account.verification",
        template="mail/verification",
        subject="{{ _('Confirm your e-mail address') }}",
        sample={"name": "Ada", "url": _LINK},
    ),
    MailTemplate(
        name="account.password_reset",
        template="mail/password_reset",
        subject="{{ _('Set a new password') }}",
        sample={"name": "Ada", "url": _LINK},
    ),
    MailTemplate(
        name="account.invitation",
        template="mail/invitation",
        subject="{{ _('Your account at {panel}', panel=panel_name) }}",
        sample={"name": "Ada", "url": _LINK},
    ),
    MailTemplate(
        name="account.notice",
        template="mail/notice",
        subject="{{ title }}",
        sample={
            "name": "Ada",
            "title": "New sign-in to your account",
            "text": "Somebody signed in to your account.",
            "facts": {"Address": "198.51.100.7", "Browser": "Firefox"},
        },
    ),
    MailTemplate(name="core.test", template="mail/test", subject="{{ _('Test mail from {panel}', panel=panel_name) }}"),
)
