"""Webhooks of one's own."""

from __future__ import annotations

from muntin.access import Actor, guarded
from muntin.errors import Forbidden
from muntin.schemas import Page, PageQuery
from muntin.translation import _
from muntin_webhooks.endpoints import changing, listing
from muntin_webhooks.endpoints.shown import shown
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.permissions import MANAGE, READ
from muntin_webhooks.schemas import NewWebhook, RotationInput, Webhook, WebhookChanges, WebhookInput


@guarded(READ)
async def list_webhooks(actor: Actor, query: PageQuery) -> Page[Webhook]:
    """The actor's webhooks."""
    return await listing.page(EndpointRow.visible_to(actor), query)


@guarded(READ, on=EndpointRow)
async def load_webhook(actor: Actor, row: EndpointRow) -> Webhook:
    """One of them."""
    return shown(row)


@guarded(MANAGE, on=EndpointRow)
async def load_for_change(actor: Actor, row: EndpointRow) -> Webhook:
    """One of them, for those who may change it."""
    return shown(row)


@guarded(MANAGE)
async def create_webhook(actor: Actor, wanted: WebhookInput) -> NewWebhook:
    """Make one; see `changing.make` for what it raises."""
    if actor.account_id is None:
        raise Forbidden(_("Only accounts have webhooks of their own."))
    return await changing.make(actor, wanted, actor.account_id)


@guarded(MANAGE, on=EndpointRow)
async def update_webhook(actor: Actor, row: EndpointRow, wanted: WebhookChanges) -> Webhook:
    """Change one; see `changing.change`."""
    return await changing.change(actor, row, wanted)


@guarded(MANAGE, on=EndpointRow)
async def delete_webhook(actor: Actor, row: EndpointRow) -> None:
    """Delete one with its log."""
    await changing.remove(actor, row)


@guarded(MANAGE, on=EndpointRow)
async def rotate_secret(actor: Actor, row: EndpointRow, wanted: RotationInput) -> NewWebhook:
    """Make a new secret; see `changing.rotate`."""
    return await changing.rotate(actor, row, wanted)
