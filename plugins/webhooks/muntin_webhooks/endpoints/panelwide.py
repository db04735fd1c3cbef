"""Webhooks of the panel: they hear of everything."""

from __future__ import annotations

from muntin.access import Actor, guarded
from muntin.schemas import Page, PageQuery
from muntin_webhooks.endpoints import changing, listing
from muntin_webhooks.endpoints.shown import shown
from muntin_webhooks.models import PanelEndpointRow
from muntin_webhooks.permissions import ADMIN
from muntin_webhooks.schemas import NewWebhook, RotationInput, Webhook, WebhookChanges, WebhookInput


@guarded(ADMIN)
async def list_webhooks(actor: Actor, query: PageQuery) -> Page[Webhook]:
    """The panel-wide webhooks."""
    return await listing.page(PanelEndpointRow.visible_to(actor), query)


@guarded(ADMIN, on=PanelEndpointRow)
async def load_webhook(actor: Actor, row: PanelEndpointRow) -> Webhook:
    """One of them."""
    return shown(row)


@guarded(ADMIN, on=PanelEndpointRow)
async def load_for_change(actor: Actor, row: PanelEndpointRow) -> Webhook:
    """One of them, for those who may change it."""
    return shown(row)


@guarded(ADMIN)
async def create_webhook(actor: Actor, wanted: WebhookInput) -> NewWebhook:
    """Make one; see `changing.make` for what it raises."""
    return await changing.make(actor, wanted, None)


@guarded(ADMIN, on=PanelEndpointRow)
async def update_webhook(actor: Actor, row: PanelEndpointRow, wanted: WebhookChanges) -> Webhook:
    """Change one; see `changing.change`."""
    return await changing.change(actor, row, wanted)


@guarded(ADMIN, on=PanelEndpointRow)
async def delete_webhook(actor: Actor, row: PanelEndpointRow) -> None:
    """Delete one with its log."""
    await changing.remove(actor, row)


@guarded(ADMIN, on=PanelEndpointRow)
async def rotate_secret(actor: Actor, row: PanelEndpointRow, wanted: RotationInput) -> NewWebhook:
    """Make a new secret; see `changing.rotate`."""
    return await changing.rotate(actor, row, wanted)
