"""What the plugin door itself contributes to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muntin.access import Permission
from muntin.contributions import Lifecycle
from muntin.plugins.node_removal import keep_removing
from muntin.plugins.quarantine import EVENTS, MAIL_TEMPLATES
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.panel import Panel

__all__ = ["EVENTS", "LIFECYCLES", "MAIL_TEMPLATES", "PERMISSIONS"]

PERMISSIONS = (
    Permission(key="admin.plugins.list", group="admin", description=_("See the installed plugins.")),
    Permission(key="admin.plugins.switch", group="admin", description=_("Enable and disable plugins.")),
    Permission(
        key="admin.plugins.install", group="admin", description=_("Install, upgrade, uninstall and purge plugins.")
    ),
)


async def _start(panel: Panel) -> None:
    panel.start_task("core", keep_removing(), name="half-removals")


LIFECYCLES = (Lifecycle(start=_start, processes=("worker",)),)
