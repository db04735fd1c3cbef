"""What happens to roles."""

from __future__ import annotations

from muntin.events import Event


class RoleCreated(Event):
    """A role was made."""

    type = "role.created"
    subject = "role_id"

    role_id: int
    slug: str


class RoleUpdated(Event):
    """A role's name, limits or permissions were changed."""

    type = "role.updated"
    subject = "role_id"

    role_id: int
    changed: list[str]


class RoleDeleted(Event):
    """A role that nobody had any more was deleted."""

    type = "role.deleted"
    subject = "role_id"

    role_id: int
    slug: str
