"""What can be allowed with webhooks."""

from __future__ import annotations

from muntin.access import Permission
from muntin.translation import _

READ, MANAGE, ADMIN = "webhooks.read", "webhooks.manage", "admin.webhooks.manage"

PERMISSIONS = (
    Permission(
        key=READ,
        group=_("Webhooks"),
        description=_("See one's own webhooks, what they sent and what was answered."),
        held_by=("user", "moderator"),
    ),
    Permission(
        key=MANAGE,
        group=_("Webhooks"),
        description=_("Make, change, test and delete one's own webhooks, and send again."),
        held_by=("user", "moderator"),
    ),
    Permission(
        key=ADMIN,
        group=_("Webhooks"),
        description=_("Make and change webhooks that hear of everything in the panel."),
    ),
)
