"""The administrator that a new panel begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from muntin.access import Actor
from muntin.accounts import passwords
from muntin.accounts.models import AccountRow
from muntin.accounts.registration import add_account
from muntin.configuration import Configuration
from muntin.database import transaction
from muntin.roles.models import ADMIN_ID, RoleRow

EMAIL = "admin@example.com"
USERNAME = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAdministrator:
    """Who was made.

    Attributes:
        password: To be printed once, if the panel chose it; `None` if the environment did.
    """

    email: str
    username: str
    password: str | None


async def create_first_administrator(configuration: Configuration) -> FirstAdministrator | None:
    """Make the administrator of a panel that has no account at all; `None` where there is one.

    Address and password are those of the environment; a password is chosen where none is set. The
    roles have to be there.
    """
    if await AccountRow.exists():
        return None
    given = configuration.admin_password.get_secret_value() if configuration.admin_password else None
    password = given or passwords.new_password()
    hashed = await passwords.hash_password(password)
    async with transaction() as events:
        await RoleRow.filter(id=ADMIN_ID).select_for_update().first()  # two hosts may start at once
        if await AccountRow.exists():
            return None
        account = await add_account(
            events,
            Actor.system(),
            email=configuration.admin_email or EMAIL,
            username=USERNAME,
            password_hash=hashed,
            role_id=ADMIN_ID,
            email_verified_at=datetime.now(UTC),
        )
    return FirstAdministrator(email=account.email, username=account.username, password=None if given else password)
