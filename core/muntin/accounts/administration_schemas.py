"""Accounts as administrators see, make and change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator

from muntin.accounts.schemas import Account, ApiKey, Email, Language, Password, PersonName, Username
from muntin.schemas import Input, Line, PageQuery

ExternalId = Annotated[Line, StringConstraints(min_length=1, max_length=191)]
RoleId = Annotated[int, Field(ge=1, lt=2**31)]
Status = Literal["active", "suspended", "pending"]


def nothing_if_empty(value: Any) -> Any:
    """`?status=` is the same as no `status`."""
    return None if value == "" else value


class UserQuery(PageQuery):
    """Which accounts; deleted ones are shown only when asked for by status."""

    status: Literal["active", "suspended", "pending", "deleted"] | None = None
    role_id: int | None = Field(default=None, ge=0, lt=2**31)
    email: str = Field(default="", max_length=191)
    external_id: str = Field(default="", max_length=191)

    _empty = field_validator("status", "role_id", mode="before")(nothing_if_empty)


class UserInput(Input):
    """A new account; without a password its person gets an invitation by mail."""

    email: Email
    username: Username
    password: Password | None = None
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    role_id: RoleId = 3
    status: Status = "active"
    language: Language | None = None
    external_id: ExternalId | None = None


class UserChange(Input):
    """What is to change; what is absent stays. Names and the external id may become nothing (`null`)."""

    email: Email | None = None
    username: Username | None = None
    password: Password | None = None
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    role_id: RoleId | None = None
    status: Status | None = None
    language: Language | None = None
    external_id: ExternalId | None = None


class AdminApiKeyQuery(PageQuery):
    """Whose keys, and whether they work."""

    user_id: UUID | None = None
    is_active: bool | None = None

    _empty = field_validator("user_id", "is_active", mode="before")(nothing_if_empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Account):
    """An account as administrators see it."""

    role_id: int
    external_id: str | None
    servers_count: int
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminApiKey(ApiKey):
    """Somebody's API key."""

    user_id: UUID
