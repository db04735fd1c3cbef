"""What happens to accounts, as events."""

from __future__ import annotations

from uuid import UUID

from muntin.events import Event


class UserCreated(Event):
    """An account was made: by its person, an administrator, or the first start."""

    type = "user.created"
    subject = "user_id"
    concerns = ("user_id",)

    user_id: UUID
    email: str
    username: str


class UserUpdated(Event):
    """Something of an account changed: its profile, role, status, password or second factor."""

    type = "user.updated"
    subject = "user_id"
    concerns = ("user_id",)

    user_id: UUID
    changed: tuple[str, ...] = ()  # names of fields, never values


class UserDeleted(Event):
    """An account was deleted; its row stays for what refers to it."""

    type = "user.deleted"
    subject = "user_id"
    concerns = ("user_id",)

    user_id: UUID


class UserSuspended(Event):
    """An account was suspended: nobody signs in with it, its servers keep running."""

    type = "user.suspended"
    subject = "user_id"
    concerns = ("user_id",)

    user_id: UUID


class UserUnsuspended(Event):
    """A suspended account was opened again."""

    type = "user.unsuspended"
    subject = "user_id"
    concerns = ("user_id",)

    user_id: UUID


class UserSignedIn(Event):
    """Somebody signed in to an account."""

    type = "user.signed_in"
    subject = "user_id"
    concerns = ("user_id",)

    user_id: UUID
    session_id: UUID


EVENTS: tuple[type[Event], ...] = (
    UserCreated,
    UserUpdated,
    UserDeleted,
    UserSuspended,
    UserUnsuspended,
    UserSignedIn,
)
