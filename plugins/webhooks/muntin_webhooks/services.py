"""What can be done with webhooks, twice: with one's own, and with the panel's. The same work behind another guard."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor, guarded
from muntin.errors import Forbidden
from muntin.schemas import Page, PageQuery
from muntin.translation import _
from muntin_webhooks.deliveries import again, catalogue, log, replaying, statistics
from muntin_webhooks.endpoints import changing, listing, shown
from muntin_webhooks.models import EndpointRow, PanelEndpointRow
from muntin_webhooks.permissions import ADMIN, MANAGE, READ
from muntin_webhooks.schemas import EventKind, NewWebhook, Statistics, Webhook, WebhookInput


class _OfSide:
    """What is done with all webhooks of a side rather than with one."""

    def __init__(self, row: type[EndpointRow], *, is_panel: bool) -> None:
        self._row, self._is_panel = row, is_panel

    async def list_webhooks(self, actor: Actor, query: PageQuery) -> Page[Webhook]:
        """Those that the actor sees."""
        return await listing.page(self._row.visible_to(actor), query)

    async def create_webhook(self, actor: Actor, wanted: WebhookInput) -> NewWebhook:
        """Make one; see `changing.make` for what it raises."""
        return await changing.make(actor, wanted, self._account_of(actor))

    async def load_statistics(self, actor: Actor) -> Statistics:
        """Figures of all that the actor sees."""
        return await statistics.of_account(self._account_of(actor))

    async def list_events(self, actor: Actor) -> list[EventKind]:
        """The types one can ask for: for the panel's all, else those whose events may concern an account."""
        return catalogue.kinds(own=not self._is_panel)

    def _account_of(self, actor: Actor) -> UUID | None:
        """Whose webhooks these are; `None` for the panel's."""
        if self._is_panel:
            return None
        if actor.account_id is None:
            raise Forbidden(_("Only accounts have webhooks of their own."))
        return actor.account_id


class Services:
    """The services of one side. What `guarded` makes of a function takes a webhook's id where that takes its row.

    Args:
        row: The webhooks of this side: which of them an actor sees.
        read, manage: The permissions.
        is_panel: Whether they are the panel's; else each is an account's.
    """

    def __init__(self, row: type[EndpointRow], *, read: str, manage: str, is_panel: bool) -> None:
        self.manage = manage
        reads, changes, of_side = guarded(read), guarded(manage), _OfSide(row, is_panel=is_panel)
        self.list_webhooks = reads(of_side.list_webhooks)
        self.create_webhook = changes(of_side.create_webhook)
        self.load_statistics = reads(of_side.load_statistics)
        self.list_events = reads(of_side.list_events)
        reads_one, changes_one = guarded(read, on=row), guarded(manage, on=row)
        self.load_webhook = reads_one(shown.load_webhook)
        self.load_for_change = changes_one(shown.load_for_change)
        self.update_webhook = changes_one(changing.update_webhook)
        self.delete_webhook = changes_one(changing.delete_webhook)
        self.rotate_secret = changes_one(changing.rotate_secret)
        self.list_deliveries = reads_one(log.list_deliveries)
        self.load_delivery = reads_one(log.load_delivery)
        self.redeliver = changes_one(again.redeliver)
        self.replay = changes_one(replaying.replay)
        self.send_test = changes_one(again.send_test)
        self.load_figures = reads_one(statistics.load_figures)


OWN = Services(EndpointRow, read=READ, manage=MANAGE, is_panel=False)
PANEL = Services(PanelEndpointRow, read=ADMIN, manage=ADMIN, is_panel=True)
