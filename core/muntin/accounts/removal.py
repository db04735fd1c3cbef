"""Deleting an account: its row stays for what refers to it, everything personal goes."""

from __future__ import annotations

from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts import credentials
from muntin.accounts.administration import count_owned
from muntin.accounts.events import UserDeleted
from muntin.accounts.models import (
    AccountRow,
    ApiKeyRow,
    OidcIdentityRow,
    OneTimeTokenRow,
    RecoveryCodeRow,
    SshKeyRow,
    UsedCodeRow,
)
from muntin.accounts.rank import editable_account, refuse_last_administrator
from muntin.accounts.references import plugins_referring_to
from muntin.accounts.sessions import end_sessions
from muntin.database import transaction
from muntin.deletion import refuse_objections
from muntin.errors import Conflict, Forbidden
from muntin.roles.models import USER_ID
from muntin.translation import _
from muntin.vetoes import ask

_PERSONAL = (ApiKeyRow, SshKeyRow, OidcIdentityRow, OneTimeTokenRow, RecoveryCodeRow, UsedCodeRow)


class CannotDeleteSelf(Forbidden):
    """Nobody deletes the account they act with."""

    code = "cannot_delete_self"
    default_message = "You cannot delete your own account."


class UserHasServers(Conflict):
    """The account still owns servers."""

    code = "user_has_servers"
    default_message = "This account still owns servers; delete them or give them to somebody else first."


@guarded("admin.users.delete")
async def delete_user(actor: Actor, account_id: UUID) -> None:
    """Delete an account that nothing needs any more. Its address and its name can be used again.

    Raises:
        CannotDeleteSelf: It is the actor's own.
        LastAdministrator: Nobody could administer the panel any more.
        UserHasServers, Conflict: A plugin needs it; also one that is disabled or absent.
        Vetoed: A plugin objects.
    """
    if account_id == actor.account_id:
        raise CannotDeleteSelf
    await ask("account.delete", actor, {"account_id": account_id})
    async with transaction() as events:
        account = await editable_account(actor, account_id)
        await refuse_last_administrator(account)
        await _refuse_needed(account_id)
        was = {"email": account.email, "username": account.username}
        await end_sessions(events, account_id)
        await credentials.revoke(events, accounts=[account_id])
        for kind in _PERSONAL:
            await kind.filter(account_id=account_id).delete()
        await _forget(account)
        events.add(UserDeleted(user_id=account_id, by=actor.account_id))
        await audit.record(events, actor, "user.deleted", ("user", account_id), was)


async def _refuse_needed(account_id: UUID) -> None:
    if await count_owned("servers", [account_id]):
        raise UserHasServers
    await refuse_objections("account", account_id)
    plugins = await plugins_referring_to(account_id)
    if plugins:
        names = ", ".join(plugins)
        raise Conflict(_("This account is still needed by: {names}.", names=names), plugins=plugins)


async def _forget(account: AccountRow) -> None:
    nobody = f"deleted-{account.id.hex}"
    account.update_from_dict(
        {
            "email": f"{nobody}@deleted.invalid",
            "username": nobody,
            "first_name": None,
            "last_name": None,
            "password_hash": None,
            "role_id": USER_ID,
            "status": "deleted",
            "email_verified_at": None,
            "external_id": None,
            "two_factor_secret": None,
            "two_factor_pending": None,
            "two_factor_pending_until": None,
        }
    )
    await account.save()
