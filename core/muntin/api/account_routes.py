"""`/api/v1/account`: one's own profile, credentials and activity."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor, SessionRequired, TwoFactorRequired
from muntin.accounts import activity, api_keys, profile, sessions, ssh_keys, two_factor
from muntin.accounts.errors import (
    AccountExists,
    AccountLocked,
    SshKeyExists,
    TooManyKeys,
    TwoFactorAlreadyEnabled,
    WrongCode,
)
from muntin.accounts.inputs import (
    AccountInput,
    ApiKeyChange,
    ApiKeyInput,
    CodeInput,
    ConfirmInput,
    DisableInput,
    PasswordInput,
    SshKeyInput,
)
from muntin.accounts.schemas import (
    Account,
    ApiKey,
    BackupCodes,
    Changed,
    NewApiKey,
    Session,
    SshKey,
    TwoFactorDisabled,
    TwoFactorEnabled,
    TwoFactorSetup,
    TwoFactorState,
)
from muntin.api.conditions import refuse_if_changed
from muntin.audit import Activity
from muntin.audit.service import AuditQuery
from muntin.call import Call
from muntin.routing import Routes
from muntin.schemas import Page, PageQuery

routes = Routes(dialect="native", prefix="/api/v1/account", tags=("account",))


@routes.get("", returns=Account, service=profile.load_account)
async def load_account(actor: Actor) -> Account:
    """Own profile."""
    return await profile.load_account(actor)


@routes.put(
    "", body=AccountInput, returns=Account, service=profile.update_account, errors=(AccountExists, AccountLocked)
)
async def update_account(actor: Actor, call: Call, changes: AccountInput) -> Account:
    """Update the profile; a new e-mail address needs the current password."""
    await refuse_if_changed(call, lambda: profile.load_account(actor))
    given = changes.model_dump(exclude_unset=True, exclude={"current_password"})
    return await profile.update_account(actor, changes=given, current_password=changes.current_password)


@routes.put(
    "/password",
    body=PasswordInput,
    returns=Changed,
    service=profile.change_password,
    errors=(SessionRequired, AccountLocked),
)
async def change_password(actor: Actor, change: PasswordInput) -> Changed:
    """Change the password; every other session ends."""
    return await profile.change_password(actor, **change.model_dump())


@routes.get("/two-factor", returns=TwoFactorState, service=two_factor.load_two_factor)
async def load_two_factor(actor: Actor) -> TwoFactorState:
    """Whether a second factor is asked for."""
    return await two_factor.load_two_factor(actor)


@routes.post(
    "/two-factor/setup",
    body=ConfirmInput,
    returns=TwoFactorSetup,
    service=two_factor.set_up_two_factor,
    errors=(TwoFactorAlreadyEnabled, SessionRequired, AccountLocked),
)
async def set_up_two_factor(actor: Actor, proof: ConfirmInput) -> TwoFactorSetup:
    """Begin to enrol an authenticator app."""
    return await two_factor.set_up_two_factor(actor, password=proof.password)


@routes.post(
    "/two-factor/enable",
    body=CodeInput,
    returns=TwoFactorEnabled,
    service=two_factor.enable_two_factor,
    errors=(WrongCode, TwoFactorAlreadyEnabled, SessionRequired, AccountLocked),
)
async def enable_two_factor(actor: Actor, proof: CodeInput) -> TwoFactorEnabled:
    """Confirm the app with a code; answers the backup codes, once."""
    return await two_factor.enable_two_factor(actor, code=proof.code)


@routes.post(
    "/two-factor/disable",
    body=DisableInput,
    returns=TwoFactorDisabled,
    service=two_factor.disable_two_factor,
    errors=(WrongCode, TwoFactorRequired, SessionRequired, AccountLocked),
)
async def disable_two_factor(actor: Actor, proof: DisableInput) -> TwoFactorDisabled:
    """Switch the second factor off."""
    return await two_factor.disable_two_factor(actor, password=proof.password, code=proof.code)


@routes.post(
    "/two-factor/backup-codes",
    body=ConfirmInput,
    returns=BackupCodes,
    service=two_factor.renew_backup_codes,
    errors=(SessionRequired, AccountLocked),
)
async def renew_backup_codes(actor: Actor, proof: ConfirmInput) -> BackupCodes:
    """Fresh backup codes; the earlier ones stop working."""
    return await two_factor.renew_backup_codes(actor, password=proof.password)


@routes.get("/api-keys", query=PageQuery, returns=Page[ApiKey], service=api_keys.list_api_keys)
async def list_api_keys(actor: Actor, query: PageQuery) -> Page[ApiKey]:
    """Own API keys."""
    return await api_keys.list_api_keys(actor, query)


@routes.post(
    "/api-keys",
    body=ApiKeyInput,
    returns=NewApiKey,
    status=201,
    service=api_keys.create_api_key,
    errors=(TooManyKeys, SessionRequired),
)
async def create_api_key(actor: Actor, key: ApiKeyInput) -> NewApiKey:
    """Create an API key; only this answer holds it."""
    return await api_keys.create_api_key(actor, **key.model_dump())


@routes.put("/api-keys/<uuid:key_id>", body=ApiKeyChange, returns=ApiKey, service=api_keys.update_api_key)
async def update_api_key(actor: Actor, key_id: UUID, change: ApiKeyChange) -> ApiKey:
    """Edit an API key, or switch it on or off."""
    return await api_keys.update_api_key(actor, key_id, **change.model_dump())


@routes.delete("/api-keys/<uuid:key_id>", service=api_keys.delete_api_key)
async def delete_api_key(actor: Actor, key_id: UUID) -> None:
    """Delete an API key; it stops working at once."""
    await api_keys.delete_api_key(actor, key_id)


@routes.get("/sessions", query=PageQuery, returns=Page[Session], service=sessions.list_sessions)
async def list_sessions(actor: Actor, query: PageQuery) -> Page[Session]:
    """Where one is signed in."""
    return await sessions.list_sessions(actor, query)


@routes.delete("/sessions", service=sessions.end_other_sessions)
async def end_other_sessions(actor: Actor) -> None:
    """End all other sessions."""
    await sessions.end_other_sessions(actor)


@routes.delete("/sessions/<uuid:session_id>", service=sessions.end_session)
async def end_session(actor: Actor, session_id: UUID) -> None:
    """End one session; its access tokens stop working at once."""
    await sessions.end_session(actor, session_id)


@routes.get("/activity", query=AuditQuery, returns=Page[Activity], service=activity.list_activity)
async def list_activity(actor: Actor, query: AuditQuery) -> Page[Activity]:
    """What happened to one's account."""
    return await activity.list_activity(actor, query)


@routes.get("/ssh-keys", query=PageQuery, returns=Page[SshKey], service=ssh_keys.list_ssh_keys)
async def list_ssh_keys(actor: Actor, query: PageQuery) -> Page[SshKey]:
    """Own public keys for SFTP."""
    return await ssh_keys.list_ssh_keys(actor, query)


@routes.post(
    "/ssh-keys",
    body=SshKeyInput,
    returns=SshKey,
    status=201,
    service=ssh_keys.add_ssh_key,
    errors=(SshKeyExists, SessionRequired),
)
async def add_ssh_key(actor: Actor, key: SshKeyInput) -> SshKey:
    """Add a public key for SFTP."""
    return await ssh_keys.add_ssh_key(actor, name=key.name, public_key=key.public_key)


@routes.delete("/ssh-keys/<uuid:key_id>", service=ssh_keys.delete_ssh_key)
async def delete_ssh_key(actor: Actor, key_id: UUID) -> None:
    """Remove a public key."""
    await ssh_keys.delete_ssh_key(actor, key_id)
