"""Pages of one's own webhooks and of the panel's are the same pages with other services behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from muntin.pages.answers import Crumb, Page
from muntin.translation import _
from muntin_webhooks import services
from muntin_webhooks.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two.

    Attributes:
        base: Where its pages begin.
        hint: What these webhooks are for.
    """

    base: str
    services: Services
    hint: str
    crumbs: tuple[Crumb, ...] = ()

    def page(
        self, template: str, values: dict[str, Any], *, title: str, way: tuple[Crumb, ...] = (), **more: Any
    ) -> Page:
        """A page of this side; `way` are the crumbs between the list and the page."""
        here = Crumb(label=title)
        below = (Crumb(label=_("Webhooks"), path=self.base), *way, here)
        crumbs = (*self.crumbs, *(below if way or values.get("below") else (here,) if self.crumbs else ()))
        shown = {"base": self.base, "side_hint": self.hint, **values}
        return Page(f"webhooks/{template}.html", shown, title=title, crumbs=crumbs, **more)


OWN = Side(
    base="/webhooks",
    services=services.OWN,
    hint=_("Programs and chats that are told what happens to your account and what is yours."),
)
PANEL = Side(
    base="/admin/webhooks",
    services=services.PANEL,
    hint=_("Programs and chats that are told what happens in the panel."),
    crumbs=(Crumb(label=_("Administration"), path="/admin"),),
)
