"""Where webhooks stand in the navigation and in other pages."""

from __future__ import annotations

from muntin.contributions import NavItem, SlotContent
from muntin.translation import _
from muntin_webhooks.pages.overview import load_overview
from muntin_webhooks.permissions import ADMIN, READ

NAV_ITEMS = (
    NavItem(label=_("Webhooks"), path="/webhooks", icon="webhook", section="account", permission=READ, order=300),
    NavItem(label=_("Webhooks"), path="/admin/webhooks", icon="webhook", section="admin", permission=ADMIN, order=700),
)
CONTENTS = (
    SlotContent(
        slot="admin.overview", template="webhooks/overview.html", load=load_overview, permission=ADMIN, order=60
    ),
)
