"""What the panel keeps of accounts and their credentials; of every secret only a digest or a cipher text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.indexes import Index
from tortoise.queryset import QuerySet

from muntin.access import NOTHING, Actor, Grants
from muntin.database import Table

if TYPE_CHECKING:
    from muntin.roles.models import RoleRow

AccountStatus = Literal["active", "suspended", "pending", "deleted"]
SessionKind = Literal["api", "web"]
TokenPurpose = Literal["verification", "password_reset", "invitation", "email_change", "two_factor", "oidc"]


class AccountRow(Table):
    """One person. E-mail addresses and usernames are unique whatever their case; see `save`."""

    email = fields.CharField(max_length=255, unique=True)  # lower-case
    username = fields.CharField(max_length=64)  # as the person writes it
    username_key = fields.CharField(max_length=64, unique=True)  # lower-case, set by `save`
    first_name = fields.CharField(max_length=191, null=True)
    last_name = fields.CharField(max_length=191, null=True)
    password_hash = fields.CharField(max_length=255, null=True)  # argon2id; none: invited, or signs in elsewhere
    role: fields.ForeignKeyRelation[RoleRow] = fields.ForeignKeyField(
        "core.RoleRow", related_name="accounts", on_delete=fields.RESTRICT
    )
    role_id: int
    language = fields.CharField(max_length=16, default="en")
    timezone = fields.CharField(max_length=64, default="UTC")
    status = fields.CharField(max_length=16, default="active")  # AccountStatus
    email_verified_at = fields.DatetimeField(null=True)
    external_id = fields.CharField(max_length=191, null=True, unique=True)
    last_login_at = fields.DatetimeField(null=True)
    two_factor_secret = fields.TextField(null=True)  # encrypted; set once a code was shown to be right
    two_factor_pending = fields.TextField(null=True)  # encrypted; set up but not confirmed
    two_factor_pending_until = fields.DatetimeField(null=True)

    class Meta:
        table = "core_account"
        indexes = [Index(fields=("status",))]

    @property
    def has_two_factor(self) -> bool:
        """Whether a second factor is asked for at sign-in."""
        return self.two_factor_secret is not None

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[AccountRow]:
        """Everybody for those who may list accounts, else only oneself."""
        if actor.may("admin.users.list"):
            return cls.all()
        return cls.filter(id=actor.account_id)

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond the role: what one may do with oneself is a permission too."""
        return NOTHING

    async def save(
        self,
        using_db: BaseDBAsyncClient | None = None,
        update_fields: Iterable[str] | None = None,
        force_create: bool = False,
        force_update: bool = False,
    ) -> None:
        """Keep address and username comparable; an `update()` of many rows has to see to it itself."""
        self.email = self.email.lower()
        self.username_key = self.username.lower()
        if update_fields is not None and "username" in update_fields:
            update_fields = {*update_fields, "username_key"}
        await super().save(using_db, update_fields, force_create, force_update)


class OwnedByAccount(Table):
    """A row that only its own account ever sees."""

    account_id: UUID

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[Any]:
        """The actor's own rows."""
        return cls.filter(account_id=actor.account_id)

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond the role."""
        return NOTHING


class SessionRow(OwnedByAccount):
    """One sign-in of a browser (cookie) or of a program (refresh token); deleted when it ends."""

    account: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="sessions", on_delete=fields.CASCADE
    )
    kind = fields.CharField(max_length=8)  # SessionKind
    secret_hash = fields.CharField(max_length=64, unique=True)  # of the cookie, or of the newest refresh token
    generation = fields.IntField(default=0)  # how often the refresh token was exchanged
    rotated_at = fields.DatetimeField(null=True)
    ip = fields.CharField(max_length=45)
    user_agent = fields.CharField(max_length=255, default="")
    remember = fields.BooleanField(default=False)
    last_active_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "core_session"
        indexes = [Index(fields=("account_id", "created_at")), Index(fields=("expires_at",))]


class ApiKeyRow(OwnedByAccount):
    """A key of a person's program. `kind` and `secret` are for dialects that know other kinds of keys."""

    account: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="api_keys", on_delete=fields.CASCADE
    )
    kind = fields.CharField(max_length=32, default="native")
    prefix = fields.CharField(max_length=64)
    token_hash = fields.CharField(max_length=64, unique=True)  # sha256 of the whole token
    secret = fields.TextField(null=True)  # encrypted; only where a dialect signs with it
    description = fields.CharField(max_length=191)
    permissions: Any = fields.JSONField(default=list)  # list of permission keys and wildcards
    allowed_ips: Any = fields.JSONField(default=list)  # list of addresses and networks; empty: from anywhere
    is_active = fields.BooleanField(default=True)
    last_used_at = fields.DatetimeField(null=True)
    last_used_ip = fields.CharField(max_length=45, null=True)
    expires_at = fields.DatetimeField(null=True)

    class Meta:
        table = "core_api_key"
        indexes = [Index(fields=("account_id", "created_at"))]


class SshKeyRow(OwnedByAccount):
    """A public key that opens the account's files over SFTP."""

    account: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="ssh_keys", on_delete=fields.CASCADE
    )
    name = fields.CharField(max_length=191)
    public_key = fields.TextField()  # type and base64, without comment
    fingerprint = fields.CharField(max_length=64)  # SHA256:...

    class Meta:
        table = "core_ssh_key"
        unique_together = (("account", "fingerprint"),)


class UsedCodeRow(Table):
    """A time-based code that was accepted, so that it is not accepted again."""

    account: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="used_codes", on_delete=fields.CASCADE
    )
    step = fields.BigIntField()  # 30-second steps since 1970

    class Meta:
        table = "core_used_code"
        unique_together = (("account", "step"),)


class RecoveryCodeRow(Table):
    """A code for the day the phone is lost; deleted when used."""

    account: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="recovery_codes", on_delete=fields.CASCADE
    )
    code_hash = fields.CharField(max_length=64)

    class Meta:
        table = "core_recovery_code"
        unique_together = (("account", "code_hash"),)


class OneTimeTokenRow(Table):
    """A token that works once, for one purpose, until it expires."""

    account: fields.ForeignKeyNullableRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="one_time_tokens", on_delete=fields.CASCADE, null=True
    )
    account_id: UUID | None
    purpose = fields.CharField(max_length=32)  # TokenPurpose
    token_hash = fields.CharField(max_length=64, unique=True)
    data: Any = fields.JSONField(default=dict)  # what the purpose needs to remember
    tries = fields.IntField(default=0)
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "core_one_time_token"
        indexes = [Index(fields=("account_id", "purpose")), Index(fields=("expires_at",))]


class OidcIdentityRow(Table):
    """An identity at an OpenID provider that signs in to an account."""

    account: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="oidc_identities", on_delete=fields.CASCADE
    )
    account_id: UUID
    issuer = fields.CharField(max_length=255)
    subject = fields.CharField(max_length=255)

    class Meta:
        table = "core_oidc_identity"
        unique_together = (("issuer", "subject"),)


class LoginFailureRow(Table):
    """Failed sign-ins of one subject (account and address, account alone); see `lockout`."""

    subject = fields.CharField(max_length=64, unique=True)  # digest, so that the table names nobody
    failures = fields.IntField()
    ends_at_s = fields.BigIntField()  # seconds since 1970; then counting begins afresh

    class Meta:
        table = "core_login_failure"
