"""Pages of one's own webhooks and of the panel's are the same pages with other services behind them."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from muntin.pages.answers import Crumb, Page
from muntin.translation import _
from muntin_webhooks.deliveries import catalogue
from muntin_webhooks.deliveries import own as own_deliveries
from muntin_webhooks.deliveries import panelwide as panel_deliveries
from muntin_webhooks.endpoints import own as own_endpoints
from muntin_webhooks.endpoints import panelwide as panel_endpoints
from muntin_webhooks.permissions import ADMIN, MANAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two.

    Attributes:
        base: Where its pages begin.
        manage: The permission to change something.
    """

    base: str
    manage: str
    endpoints: ModuleType
    deliveries: ModuleType
    events: Any
    hint: str
    crumbs: tuple[Crumb, ...] = ()

    def page(
        self, template: str, values: dict[str, Any], *, title: str, way: tuple[Crumb, ...] = (), **more: Any
    ) -> Page:
        """A page of this side; `way` are the crumbs between the list and the page."""
        here = Crumb(label=title)
        crumbs = (
            *self.crumbs,
            *((Crumb(label=_("Webhooks"), path=self.base), *way, here) if way or values.get("below") else (here,)),
        )
        shown = {"base": self.base, "side_hint": self.hint, **values}
        return Page(f"webhooks/{template}.html", shown, title=title, crumbs=crumbs, **more)


OWN = Side(
    base="/webhooks",
    manage=MANAGE,
    endpoints=own_endpoints,
    deliveries=own_deliveries,
    events=catalogue.list_events,
    hint=_("Programs and chats that are told what happens to your account and what is yours."),
)
PANEL = Side(
    base="/admin/webhooks",
    manage=ADMIN,
    endpoints=panel_endpoints,
    deliveries=panel_deliveries,
    events=catalogue.list_all_events,
    hint=_("Programs and chats that are told what happens in the panel."),
    crumbs=(Crumb(label=_("Administration"), path="/admin"),),
)
