"""What can be allowed with game servers, nests and eggs."""

from __future__ import annotations

from muntin.access import Grants, Permission
from muntin.translation import _

_SERVER = (
    ("server.view", _("See the server and its figures.")),
    ("control.console", _("Read the console.")),
    ("control.command", _("Send commands to the console.")),
    ("control.start", _("Start the server.")),
    ("control.stop", _("Stop the server.")),
    ("control.restart", _("Restart the server.")),
    ("control.kill", _("Kill the server.")),
    ("file.read", _("List files.")),
    ("file.read-content", _("Read and download files.")),
    ("file.write", _("Change, rename and chmod files.")),
    ("file.create", _("Create, upload and copy files.")),
    ("file.delete", _("Delete files.")),
    ("file.archive", _("Pack and unpack archives.")),
    ("file.sftp", _("Use SFTP.")),
    ("user.read", _("See who has access.")),
    ("user.create", _("Give people access.")),
    ("user.update", _("Change what people may do.")),
    ("user.delete", _("Take access away.")),
    ("startup.read", _("See the start command and variables.")),
    ("startup.update", _("Change variables and image.")),
    ("allocation.read", _("See addresses and ports.")),
    ("allocation.create", _("Add a port.")),
    ("allocation.update", _("Change notes and the primary port.")),
    ("allocation.delete", _("Remove a port.")),
    ("schedule.read", _("See schedules.")),
    ("schedule.create", _("Create schedules.")),
    ("schedule.update", _("Change and run schedules.")),
    ("schedule.delete", _("Delete schedules.")),
    ("settings.rename", _("Rename the server.")),
    ("settings.reinstall", _("Reinstall the server.")),
    ("activity.read", _("See what was done with the server.")),
)
_ADMIN = (
    ("admin.servers.list", _("See all game servers."), ("moderator",)),
    ("admin.servers.create", _("Create game servers."), ()),
    ("admin.servers.update", _("Change game servers."), ()),
    ("admin.servers.delete", _("Delete game servers."), ()),
    ("admin.servers.power", _("Start and stop all game servers."), ()),
    ("admin.servers.suspend", _("Suspend game servers."), ("moderator",)),
    ("admin.eggs.list", _("See nests and eggs."), ("moderator",)),
    ("admin.eggs.import", _("Import eggs."), ()),
    ("admin.eggs.edit", _("Change nests and eggs."), ()),
)

PERMISSIONS = (
    *(Permission(key=key, group="server", description=text, on_resource=True) for key, text in _SERVER),
    *(Permission(key=key, group="admin", description=text, held_by=roles) for key, text, roles in _ADMIN),
)

OWNER_GRANTS = Grants(("server.*", "control.*", "file.*", "user.*", "startup.*", "allocation.*", "schedule.*",
                       "settings.*", "activity.*", "database.*", "backup.*"))  # fmt: skip
