"""What roles and the administration of accounts bring to the core."""

from __future__ import annotations

from muntin.access import Permission
from muntin.roles.events import RoleCreated, RoleDeleted, RoleUpdated
from muntin.translation import _

_ACCOUNTS = _("Accounts")
_ROLES = _("Roles")
_KEYS = _("API keys")

PERMISSIONS = (
    Permission(key="admin.users.list", group=_ACCOUNTS, description=_("See all accounts."), held_by=("moderator",)),
    Permission(key="admin.users.create", group=_ACCOUNTS, description=_("Make accounts for others.")),
    Permission(
        key="admin.users.update", group=_ACCOUNTS, description=_("Change accounts that may do no more than oneself.")
    ),
    Permission(key="admin.users.suspend", group=_ACCOUNTS, description=_("Suspend accounts and open them again.")),
    Permission(key="admin.users.delete", group=_ACCOUNTS, description=_("Delete accounts that own nothing any more.")),
    Permission(key="admin.roles.list", group=_ROLES, description=_("See all roles."), held_by=("moderator",)),
    Permission(key="admin.roles.create", group=_ROLES, description=_("Make roles of permissions one holds oneself.")),
    Permission(
        key="admin.roles.edit", group=_ROLES, description=_("Change and delete roles that hold no more than oneself.")
    ),
    Permission(key="admin.api-keys.list", group=_KEYS, description=_("See everybody's API keys, without the keys.")),
    Permission(key="admin.api-keys.delete", group=_KEYS, description=_("Delete anybody's API key.")),
)
EVENTS = (RoleCreated, RoleUpdated, RoleDeleted)
