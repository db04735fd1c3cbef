"""The profile: what people see and change of their own account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tortoise.exceptions import IntegrityError

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts import passwords, tokens
from muntin.accounts.errors import AccountExists
from muntin.accounts.events import UserUpdated
from muntin.accounts.models import AccountRow
from muntin.accounts.notices import send_link_to, send_notice
from muntin.accounts.own import own_account, require_password
from muntin.accounts.schemas import Account, Changed, RoleOfAccount
from muntin.accounts.sessions import end_sessions
from muntin.database import Transaction, transaction
from muntin.errors import InvalidInput
from muntin.runtime import panel
from muntin.settings.sections import SecuritySettings
from muntin.translation import _

CONFIRM_WITHIN = timedelta(hours=24)
CHANGEABLE = ("username", "first_name", "last_name", "language", "timezone")


@guarded("account.read", before_enrolment=True)
async def load_account(actor: Actor) -> Account:
    """The actor's own account."""
    return shown_account(await own_account(actor))


@guarded("account.update", before_enrolment=True)
async def update_account(
    actor: Actor, *, changes: Mapping[str, str | None], current_password: str | None = None
) -> Account:
    """Change what is given, and leave the rest.

    A new e-mail address needs the current password. Where addresses are verified it counts once the link
    that is sent to it was followed; the old address is told in any case.

    Args:
        changes: Any of `email` and `CHANGEABLE`.

    Raises:
        AccountExists: The address or the name is taken.
        InvalidInput, WrongPassword: Of `current_password`.
    """
    account = await own_account(actor)
    plain = {name: changes[name] for name in CHANGEABLE if name in changes}
    email = changes.get("email")
    new_email = email if email and email != account.email else None
    if new_email is not None:
        if current_password is None:
            raise InvalidInput.of("current_password", _("Give your current password to change the address."))
        await require_password(actor, account, current_password, field="current_password")
        await refuse_taken(email=new_email)
    async with transaction() as events:
        if plain:
            await save_unique(account.update_from_dict(plain), [*plain, "updated_at"])
        changed = [*plain, *(await _change_email(events, account, new_email) if new_email else ())]
        if changed:
            events.add(UserUpdated(user_id=account.id, changed=tuple(changed), by=actor.account_id))
            await audit.record(events, actor, "user.updated", ("user", account.id), {"changed": changed})
    return shown_account(account)


async def _change_email(events: Transaction, account: AccountRow, email: str) -> list[str]:
    """Change the address at once, or when the link sent to it is followed; what changed already."""
    await send_notice(
        events,
        account,
        _("Your e-mail address is being changed"),
        _("The address of your account is to be another one. If this was not you, change your password now."),
        {_("New address"): email},
    )
    if panel().settings.section(SecuritySettings).email_verification:
        token = await tokens.issue("email_change", account.id, lifetime=CONFIRM_WITHIN, data={"email": email})
        await send_link_to(events, "account.verification", account, email, "/verify-email", token=token)
        return []
    account.email, account.email_verified_at = email, None
    await save_unique(account, ["email", "email_verified_at", "updated_at"])
    return ["email"]


@guarded("account.update", sessions_only=True)
async def change_password(
    actor: Actor, *, current_password: str, password: str, password_confirmation: str | None = None
) -> Changed:
    """Set a new password; every other session of the account ends, API keys stay.

    Raises:
        InvalidInput, WrongPassword: The current one is not right, or the new one is too short or not confirmed.
    """
    if password_confirmation is not None and password_confirmation != password:
        raise InvalidInput.of("password_confirmation", _("The passwords are not the same."))
    passwords.require_length(password, shortest_password())
    account = await own_account(actor)
    await require_password(actor, account, current_password, field="current_password")
    hashed = await passwords.hash_password(password)
    async with transaction() as events:
        await store_password(events, actor, account, hashed)
        await end_sessions(events, account.id, but=actor.session_id)
    return Changed()


async def store_password(events: Transaction, actor: Actor, account: AccountRow, hashed: str) -> None:
    """Store a password's hash, and tell everybody who should know; links to reset it stop working."""
    await AccountRow.filter(id=account.id).update(password_hash=hashed, updated_at=datetime.now(UTC))
    await tokens.withdraw(account.id, "password_reset", "invitation", "two_factor")
    events.add(UserUpdated(user_id=account.id, changed=("password",), by=actor.account_id))
    await audit.record(events, actor, "user.password_changed", ("user", account.id))
    text = _("The password of your account was changed. If this was not you, reset it now.")
    await send_notice(events, account, _("Your password was changed"), text, {_("Address"): actor.address})


def shortest_password() -> int:
    """In characters, as administrators set it."""
    return panel().settings.section(SecuritySettings).password_min_length


async def refuse_taken(*, email: str | None = None, username: str | None = None) -> None:
    """Refuse an address or a name that another account has.

    Raises:
        AccountExists: `details` names the field.
    """
    taken: dict[str, object] = {}
    if email is not None and await AccountRow.exists(email=email.lower()):
        taken["email"] = [_("Another account has this address.")]
    if username is not None and await AccountRow.exists(username_key=username.lower()):
        taken["username"] = [_("Another account has this name.")]
    if taken:
        raise AccountExists(None, **taken)


async def save_unique(account: AccountRow, fields: list[str] | None = None) -> None:
    """Save an account; of two that want the same name at once, one gets it.

    Raises:
        AccountExists: Another account has its address, name or external id.
    """
    try:
        async with transaction():
            await account.save(update_fields=fields)
    except IntegrityError as error:
        raise AccountExists from error


def shown_account(account: AccountRow) -> Account:
    """An account, whose role has to be loaded, as its person sees it."""
    role = account.role
    return Account(
        id=account.id,
        email=account.email,
        username=account.username,
        first_name=account.first_name,
        last_name=account.last_name,
        role=RoleOfAccount(id=role.id, name=role.name, slug=role.slug),
        permissions=tuple(role.grants),
        language=account.language,
        timezone=account.timezone,
        two_factor_enabled=account.has_two_factor,
        email_verified_at=account.email_verified_at,
        status=account.status,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )
