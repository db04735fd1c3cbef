"""The log of one webhook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from muntin import clock
from muntin.access import Actor
from muntin.errors import BadRequest, NotFound
from muntin.schemas import Page
from muntin.translation import _
from muntin_webhooks.deliveries.shown import shown, values_of
from muntin_webhooks.destinations.destination import MASK
from muntin_webhooks.endpoints.shown import moment
from muntin_webhooks.models import FAILED, PENDING, SUCCESS, DeliveryRow, EndpointRow
from muntin_webhooks.schemas import Attempt, DeliveryDetail, DeliveryQuery, WebhookDelivery
from muntin_webhooks.sending.attempt import redacted, request_of
from muntin_webhooks.sending.outgoing import Outgoing
from muntin_webhooks.sending.receiver import Receiver, receiver_of
from muntin_webhooks.sending.waiting import read_one

SORTABLE = {"created_at": "number", "event": "type", "status": "state", "attempt": "attempts"}
STATES = {"pending": PENDING, "success": (SUCCESS,), "failed": (FAILED,)}
_SIGNATURES = ("webhook-signature", "X-Webhook-Signature")


async def list_deliveries(actor: Actor, row: EndpointRow, query: DeliveryQuery) -> Page[WebhookDelivery]:
    """One page of it, the newest first.

    Raises:
        BadRequest: There is no such status.
    """
    rows = DeliveryRow.filter(endpoint_id=row.id)
    if query.status:
        if query.status not in STATES:
            raise BadRequest(_("{status} is not a status of deliveries.", status=repr(query.status)))
        rows = rows.filter(state__in=STATES[query.status])
    if query.event:
        rows = rows.filter(type=query.event)
    if query.search:
        rows = rows.filter(type__icontains=query.search)
    order = query.order(SORTABLE, default="-created_at", tiebreak="number")
    found = await rows.order_by(*dict.fromkeys(order)).offset(query.offset).limit(query.per_page)
    return Page.of([shown(one) for one in found], await rows.count(), query)


async def find(row: EndpointRow, delivery_id: UUID) -> DeliveryRow:
    """A delivery of this webhook.

    Raises:
        NotFound: It is none of its.
    """
    found = await DeliveryRow.get_or_none(id=delivery_id, endpoint_id=row.id)
    if found is None:
        raise NotFound
    return found


async def load_delivery(actor: Actor, row: EndpointRow, delivery_id: UUID) -> DeliveryDetail:
    """All of a delivery: what is sent, what was answered, every failed attempt.

    Raises:
        NotFound: It is none of the webhook's, or its message is no longer kept.
    """
    delivery = await find(row, delivery_id)
    one, receiver = await read_one(row.id, delivery.id), receiver_of(row)
    if one is None:
        raise NotFound
    sent_at_s = int((delivery.sent_at_ms or clock.now_s() * 1000) / 1000)
    return DeliveryDetail(
        **values_of(delivery),
        webhook_id=row.id,
        resource_type=one.resource_type,
        resource_id=one.resource_id,
        sequence=one.sequence,
        **(_request(receiver, one, sent_at_s) if receiver else _NO_REQUEST),
        response_body=delivery.response,
        sent_at=moment(delivery.sent_at_ms),
        history=tuple(_attempt(each) for each in one.history),
    )


_NO_REQUEST = {"request_url": "", "request_headers": {}, "request_body": ""}


def _request(receiver: Receiver, one: Outgoing, sent_at_s: int) -> dict[str, object]:
    """What is sent; signatures are left out, since a reader of the log must not be able to repeat it."""
    request = request_of(receiver, one, sent_at_s=sent_at_s)
    headers = {
        name: MASK if name in _SIGNATURES else redacted(value, receiver.secrets)
        for name, value in request.headers.items()
    }
    return {
        "request_url": redacted(request.url, receiver.secrets),
        "request_headers": headers,
        "request_body": redacted(request.body.decode(), receiver.secrets),
    }


def _attempt(each: Mapping[str, Any]) -> Attempt:
    return Attempt(
        at=datetime.fromtimestamp(each["at_ms"] / 1000, UTC),
        status_code=each["status_code"],
        response_time_ms=each["response_ms"],
        error=each["error"],
    )
