"""What the plugin door itself contributes to the core."""

from __future__ import annotations

from muntin.access import Permission
from muntin.translation import _

PERMISSIONS = (
    Permission(key="admin.plugins.list", group="admin", description=_("See the installed plugins.")),
    Permission(key="admin.plugins.switch", group="admin", description=_("Enable and disable plugins.")),
)
