"""Data that was too large for a request, for those who were sent its address."""

from __future__ import annotations

from muntin.access import Actor, guarded
from muntin.errors import NotFound
from muntin_webhooks.deliveries.access import message_may_be_heard
from muntin_webhooks.models import DeliveryRow, EndpointRow, MessageRow
from muntin_webhooks.permissions import READ
from muntin_webhooks.schemas import Payload


@guarded(READ, on=DeliveryRow)
async def load_payload(actor: Actor, delivery: DeliveryRow) -> Payload:
    """The data of a delivery's message.

    Raises:
        NotFound: It is no longer kept, or no longer shared with the account.
    """
    message = await MessageRow.get_or_none(id=delivery.message_id)
    endpoint = await EndpointRow.get_or_none(id=delivery.endpoint_id)
    if message is None or endpoint is None or not await message_may_be_heard(endpoint.account_id, message):
        raise NotFound
    return Payload(id=message.id, event=message.type, data=message.payload)
