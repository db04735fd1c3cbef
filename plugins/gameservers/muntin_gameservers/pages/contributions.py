"""What game servers show in other pages, and where other plugins may show something in theirs."""

from __future__ import annotations

from muntin.contributions import Slot, SlotContent
from muntin.translation import _
from muntin_gameservers.pages.cards import load_cards, load_found, load_overview, load_ports, load_setup
from muntin_gameservers.pages.view import TABS_SLOT

CONTENTS = (
    SlotContent(slot="dashboard.cards", template="gameservers/cards.html", load=load_cards, order=10),
    SlotContent(
        slot="admin.overview",
        template="gameservers/overview.html",
        load=load_overview,
        permission="admin.servers.list",
        order=20,
    ),
    SlotContent(
        slot="setup.steps",
        template="gameservers/setup.html",
        load=load_setup,
        permission="admin.servers.create",
        order=10,
    ),
    SlotContent(
        slot="node.cards",
        template="gameservers/node.html",
        load=load_ports,
        permission="admin.nodes.list",
        order=10,
    ),
    SlotContent(slot="search.results", template="gameservers/found.html", load=load_found, order=10),
)

SLOTS = (
    Slot(
        name=TABS_SLOT,
        description=_("Tabs of a server's pages. `title` is the tab's label; the content gets `server` and `base`."),
    ),
)
