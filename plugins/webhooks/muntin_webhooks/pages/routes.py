"""All pages of webhooks."""

from __future__ import annotations

from muntin.routing import Route, Routes
from muntin.schemas import PageQuery
from muntin_webhooks.pages.side import OWN, PANEL, Side
from muntin_webhooks.pages.webhook_pages import WebhookPages
from muntin_webhooks.schemas import DeliveryQuery

ONE = "/<uuid:webhook_id>"
DELIVERY = f"{ONE}/deliveries/<uuid:delivery_id>"


def routes_of(side: Side) -> Routes:
    """The pages of one side, each with the service that guards it."""
    pages, endpoints, deliveries = WebhookPages(side), side.endpoints, side.deliveries
    routes = Routes(dialect="pages", prefix=side.base, tags=("webhooks",))
    routes.get("", query=PageQuery, service=endpoints.list_webhooks)(pages.list_webhooks)
    routes.get("/figures", service=deliveries.load_statistics)(pages.show_figures)
    routes.get("/new/<string:kind>", service=endpoints.create_webhook)(pages.new_webhook)
    routes.post("/new/<string:kind>", service=endpoints.create_webhook)(pages.create_webhook)
    routes.get(ONE, query=DeliveryQuery, service=endpoints.load_webhook)(pages.show_webhook)
    routes.get(f"{ONE}/figures", service=deliveries.load_figures)(pages.show_own_figures)
    routes.get(f"{ONE}/edit", service=endpoints.load_for_change)(pages.edit_webhook)
    routes.post(f"{ONE}/edit", service=endpoints.update_webhook)(pages.save_webhook)
    routes.post(f"{ONE}/switch", service=endpoints.update_webhook)(pages.switch_webhook)
    routes.post(f"{ONE}/delete", service=endpoints.delete_webhook)(pages.delete_webhook)
    routes.post(f"{ONE}/rotate", service=endpoints.rotate_secret)(pages.rotate_secret)
    routes.post(f"{ONE}/test", service=deliveries.send_test)(pages.send_test)
    routes.post(f"{ONE}/replay", service=deliveries.replay)(pages.replay)
    routes.get(DELIVERY, service=deliveries.load_delivery)(pages.show_delivery)
    routes.post(f"{DELIVERY}/redeliver", service=deliveries.redeliver)(pages.redeliver)
    return routes


routes: tuple[Route, ...] = (*routes_of(OWN), *routes_of(PANEL))
