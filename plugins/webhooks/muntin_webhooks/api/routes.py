"""`/api/v1/webhooks`: webhooks of one's own; `/api/v1/admin/webhooks`: those of the panel. One table for both."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.jobs.own import JobView
from muntin.routing import Handler, Route, Routes
from muntin.schemas import Page, PageQuery
from muntin_webhooks.api.bodies import WebhookChange, WebhookIn
from muntin_webhooks.api.handlers import WebhookHandlers
from muntin_webhooks.deliveries import payloads
from muntin_webhooks.errors import DestinationMissing, TooManySecrets, TooManyWebhooks
from muntin_webhooks.schemas import (
    DeliveryDetail,
    DeliveryQuery,
    EventKind,
    NewWebhook,
    Payload,
    ReplayInput,
    RotationInput,
    Statistics,
    Webhook,
    WebhookDelivery,
)
from muntin_webhooks.services import OWN, PANEL, Services

ONE = "/<uuid:webhook_id>"
LOG = f"{ONE}/deliveries"
DELIVERY = f"{LOG}/<uuid:delivery_id>"

Add = Callable[..., None]
"""Adds one route: method, path, handler, service, and the options of `Routes.add`."""


def routes_of(services: Services, prefix: str, *, named: str = "") -> Routes:
    """The routes of one side.

    Args:
        named: Begins the names of the operations.
    """
    routes, handlers = Routes(dialect="native", prefix=prefix, tags=("webhooks",)), WebhookHandlers(services)

    def add(method: str, path: str, handler: Handler, service: Callable[..., Any], **options: Any) -> None:
        routes.add(method, path, service=service, **options)(_named(handler, named))

    _add_all(add, handlers, services)
    _add_one(add, handlers, services)
    _add_log(add, handlers, services)
    return routes


def _add_all(add: Add, handlers: WebhookHandlers, services: Services) -> None:
    made: dict[str, Any] = {"body": WebhookIn, "returns": NewWebhook, "status": 201, "errors": (TooManyWebhooks,)}
    add("GET", "", handlers.list_webhooks, services.list_webhooks, query=PageQuery, returns=Page[Webhook])
    add("POST", "", handlers.create_webhook, services.create_webhook, **made)
    add("GET", "/events", handlers.list_events, services.list_events, returns=list[EventKind])
    add("GET", "/statistics", handlers.load_statistics, services.load_statistics, returns=Statistics)


def _add_one(add: Add, handlers: WebhookHandlers, services: Services) -> None:
    rotated: dict[str, Any] = {"body": RotationInput, "returns": NewWebhook, "errors": (TooManySecrets,)}
    tested: dict[str, Any] = {"returns": WebhookDelivery, "errors": (DestinationMissing,)}
    add("GET", ONE, handlers.load_webhook, services.load_webhook, returns=Webhook)
    add("PUT", ONE, handlers.update_webhook, services.update_webhook, body=WebhookChange, returns=Webhook)
    add("DELETE", ONE, handlers.delete_webhook, services.delete_webhook, status=204)
    add("POST", f"{ONE}/secret", handlers.rotate_secret, services.rotate_secret, **rotated)
    add("POST", f"{ONE}/test", handlers.send_test, services.send_test, **tested)
    add("POST", f"{ONE}/replay", handlers.replay, services.replay, body=ReplayInput, returns=JobView, status=202)
    add("GET", f"{ONE}/statistics", handlers.load_figures, services.load_figures, returns=Statistics)


def _add_log(add: Add, handlers: WebhookHandlers, services: Services) -> None:
    listed: dict[str, Any] = {"query": DeliveryQuery, "returns": Page[WebhookDelivery]}
    add("GET", LOG, handlers.list_deliveries, services.list_deliveries, **listed)
    add("GET", DELIVERY, handlers.load_delivery, services.load_delivery, returns=DeliveryDetail)
    add("POST", f"{DELIVERY}/redeliver", handlers.redeliver, services.redeliver, returns=WebhookDelivery, status=202)


def _named(handler: Handler, prefix: str) -> Handler:
    """The handler with a name of its own side: operations are told apart by it."""

    @functools.wraps(handler)
    async def call(*args: Any, **values: Any) -> Any:
        return await handler(*args, **values)

    call.__name__ = prefix + handler.__name__
    return call


_large = Routes(dialect="native", prefix="/api/v1/webhooks", tags=("webhooks",))


@_large.get("/deliveries/<uuid:delivery_id>/data", returns=Payload, service=payloads.load_payload)
async def load_payload(actor: Actor, delivery_id: UUID) -> Payload:
    """The data of a delivery that was too large for a request."""
    return await payloads.load_payload(actor, delivery_id)


routes: tuple[Route, ...] = (
    *routes_of(OWN, "/api/v1/webhooks"),
    *routes_of(PANEL, "/api/v1/admin/webhooks", named="admin_"),
    *_large,
)
