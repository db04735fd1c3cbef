"""Accounts from the command line: whoever can run it owns the machine, so there is nobody to ask."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from muntin import audit
from muntin.access import Actor
from muntin.accounts import passwords
from muntin.accounts.credentials import revoke
from muntin.accounts.events import UserSuspended
from muntin.accounts.models import AccountRow
from muntin.accounts.naming import free_username
from muntin.accounts.profile import refuse_taken, shortest_password, store_password
from muntin.accounts.registration import add_account
from muntin.accounts.schemas import Email
from muntin.accounts.sessions import end_sessions
from muntin.accounts.signing_in import find_account
from muntin.database import transaction
from muntin.errors import InvalidInput, NotFound
from muntin.roles.models import ADMIN_ID, USER_ID
from muntin.translation import _


async def create_account(email: str, password: str, *, admin: bool = False, username: str | None = None) -> str:
    """Make an account; answers its username, which is taken from the address where none is given.

    Raises:
        InvalidInput: The address is not one, or the password is too short.
        AccountExists: The address or the name is taken.
    """
    address = _address(email)
    passwords.require_length(password, shortest_password())
    await refuse_taken(email=address, username=username)
    hashed = await passwords.hash_password(password)
    async with transaction() as events:
        account = await add_account(
            events,
            Actor.system(),
            email=address,
            username=username or await free_username(address),
            password_hash=hashed,
            role_id=ADMIN_ID if admin else USER_ID,
            email_verified_at=datetime.now(UTC),
        )
    return account.username


async def set_password(login: str, password: str) -> None:
    """Set an account's password and end its sessions.

    Args:
        login: E-mail address or username.

    Raises:
        NotFound: Nobody has this address or name.
        InvalidInput: The password is too short.
    """
    passwords.require_length(password, shortest_password())
    account = await _account(login)
    hashed = await passwords.hash_password(password)
    async with transaction() as events:
        await store_password(events, Actor.system(), account, hashed)
        await end_sessions(events, account.id)


async def disable_account(login: str) -> None:
    """Suspend an account: its sessions end and its keys stop working at once.

    Raises:
        NotFound: Nobody has this address or name.
    """
    account = await _account(login)
    async with transaction() as events:
        await AccountRow.filter(id=account.id).update(status="suspended", updated_at=datetime.now(UTC))
        await end_sessions(events, account.id)
        await revoke(events, accounts=[account.id])
        events.add(UserSuspended(user_id=account.id))
        await audit.record(events, Actor.system(), "user.suspended", ("user", account.id))


async def _account(login: str) -> AccountRow:
    account = await find_account(login)
    if account is None:
        raise NotFound(_("Nobody has the address or name {login}.", login=repr(login)))
    return account


def _address(email: str) -> str:
    adapter: TypeAdapter[str] = TypeAdapter(Email)
    try:
        return adapter.validate_python(email)
    except ValidationError:
        raise InvalidInput.of("email", _("This is not an e-mail address.")) from None
