"""What accounts bring to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muntin.access import Permission
from muntin.accounts.events import EVENTS
from muntin.accounts.lockout import delete_past_failures
from muntin.accounts.overdue import watch_overdue
from muntin.accounts.second_factor import delete_past_codes
from muntin.accounts.sessions import delete_past_sessions
from muntin.accounts.tokens import delete_past_tokens
from muntin.contributions import Cron, Lifecycle, Moment, Task
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.jobs.contexts import JobContext
    from muntin.panel import Panel

__all__ = ["EVENTS", "JOBS", "LIFECYCLES", "MOMENTS", "PERMISSIONS"]

_EVERYBODY = ("moderator", "user")

PERMISSIONS = (
    Permission(key="account.read", group=_("Account"), description=_("Read one's own account."), held_by=_EVERYBODY),
    Permission(
        key="account.update",
        group=_("Account"),
        description=_("Change one's own profile, address and password."),
        held_by=_EVERYBODY,
    ),
    Permission(
        key="account.api-keys", group=_("Account"), description=_("Make and delete API keys."), held_by=_EVERYBODY
    ),
    Permission(
        key="account.sessions",
        group=_("Account"),
        description=_("See where one is signed in, and end sessions."),
        held_by=_EVERYBODY,
    ),
    Permission(
        key="account.two-factor",
        group=_("Account"),
        description=_("Switch two-factor authentication on and off."),
        held_by=_EVERYBODY,
    ),
    Permission(
        key="account.ssh-keys",
        group=_("Account"),
        description=_("Add and remove SSH keys for SFTP."),
        held_by=_EVERYBODY,
    ),
)
MOMENTS = (
    Moment(
        name="account.register",
        description=_(
            "Before somebody makes an account for themselves; `email`, `username`, `first_name`, `last_name`."
        ),
    ),
    Moment(
        name="account.create",
        description=_("Before an administrator makes an account; `email`, `username`, `role_id`, `status` and names."),
    ),
    Moment(name="account.delete", description=_("Before an account is deleted; `account_id`.")),
    Moment(name="role.assign", description=_("Before an account gets another role; `account_id`, `role_id`.")),
)


async def forget_past_credentials(context: JobContext) -> int:
    """Delete sessions, tokens, codes and counts whose time is over; answers how many."""
    return (
        await delete_past_sessions()
        + await delete_past_tokens()
        + await delete_past_codes()
        + await delete_past_failures()
    )


JOBS = (
    Task(name="core.forget_past_credentials", handler=forget_past_credentials),
    Cron(name="core.forget_past_credentials_hourly", expression="41 * * * *", task="core.forget_past_credentials"),
)


async def _start(panel: Panel) -> None:
    panel.start_task("core", watch_overdue(panel), name="overdue")


LIFECYCLES = (Lifecycle(start=_start, processes=("web",)),)
