"""New accounts: made by people themselves, and the one way any account comes to be."""

from __future__ import annotations

from datetime import datetime

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts import passwords
from muntin.accounts.errors import RegistrationDisabled
from muntin.accounts.events import UserCreated
from muntin.accounts.models import AccountRow, AccountStatus
from muntin.accounts.profile import refuse_taken, save_unique, shortest_password, shown_account
from muntin.accounts.recovery import send_verification
from muntin.accounts.schemas import Registered, RegisteredUnverified
from muntin.accounts.sessions import Device
from muntin.accounts.signing_in import as_actor, enter
from muntin.database import Transaction, transaction
from muntin.roles.models import USER_ID
from muntin.runtime import panel
from muntin.settings.sections import GeneralSettings, SecuritySettings
from muntin.vetoes import ask


@guarded(None)
async def register(
    actor: Actor,
    *,
    email: str,
    username: str,
    password: str,
    first_name: str | None = None,
    last_name: str | None = None,
    device: Device,
) -> Registered | RegisteredUnverified:
    """Make an account for whoever asks, and sign them in, or send the link that confirms their address.

    Raises:
        RegistrationDisabled: Administrators make the accounts here.
        AccountExists: The address or the name is taken.
        InvalidInput: The password is too short.
        Vetoed: A plugin objects.
    """
    rules = panel().settings.section(SecuritySettings)
    if not rules.registration_enabled:
        raise RegistrationDisabled
    passwords.require_length(password, shortest_password())
    await refuse_taken(email=email, username=username)
    names = {"first_name": first_name, "last_name": last_name}
    await ask("account.register", actor, {"email": email, "username": username, **names})
    hashed = await passwords.hash_password(password)
    async with transaction() as events:
        account = await add_account(
            events,
            actor,
            email=email,
            username=username,
            password_hash=hashed,
            first_name=first_name,
            last_name=last_name,
            status="pending" if rules.email_verification else "active",
        )
        if rules.email_verification:
            await send_verification(events, account)
    if rules.email_verification:
        return RegisteredUnverified(user=shown_account(account))
    opened = await enter(actor, account, device)
    return Registered(user=shown_account(account), tokens=opened.token_pair())


async def add_account(
    events: Transaction,
    actor: Actor,
    *,
    email: str,
    username: str,
    password_hash: str | None = None,
    role_id: int = USER_ID,
    status: AccountStatus = "active",
    first_name: str | None = None,
    last_name: str | None = None,
    language: str | None = None,
    external_id: str | None = None,
    email_verified_at: datetime | None = None,
) -> AccountRow:
    """Make an account, with its event and its line in the audit log; its role is loaded.

    Raises:
        AccountExists: Another one has the address, the name or the external id.
    """
    general = panel().settings.section(GeneralSettings)
    account = AccountRow(
        email=email,
        username=username,
        password_hash=password_hash,
        role_id=role_id,
        status=status,
        first_name=first_name or None,
        last_name=last_name or None,
        language=language or general.language,
        timezone=general.timezone,
        external_id=external_id,
        email_verified_at=email_verified_at,
    )
    await save_unique(account)
    await account.fetch_related("role")
    by = actor.account_id or account.id
    events.add(UserCreated(user_id=account.id, email=account.email, username=account.username, by=by))
    who = actor if actor.account_id or actor.kind == "system" else as_actor(account, actor)
    await audit.record(events, who, "user.created", ("user", account.id), {"username": username, "role": role_id})
    return account
