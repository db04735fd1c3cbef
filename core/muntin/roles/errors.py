"""What may go wrong with roles."""

from __future__ import annotations

from muntin.errors import Conflict


class SystemRole(Conflict):
    """A role made with the panel: it stays, and the administrators' role stays as it is."""

    code = "system_role"
    default_message = "This role belongs to the panel and cannot be changed in this way."


class RoleInUse(Conflict):
    """Accounts still have the role."""

    code = "role_in_use"
    default_message = "Accounts still have this role; give them another one first."


class RoleExists(Conflict):
    """Another role has this short name."""

    default_message = "Another role has this short name."
