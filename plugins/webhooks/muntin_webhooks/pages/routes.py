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
    pages, services = WebhookPages(side), side.services
    routes = Routes(dialect="pages", prefix=side.base, tags=("webhooks",))
    routes.get("", query=PageQuery, service=services.list_webhooks)(pages.list_webhooks)
    routes.get("/figures", service=services.load_statistics)(pages.show_figures)
    routes.get("/new/<string:kind>", service=services.create_webhook)(pages.new_webhook)
    routes.post("/new/<string:kind>", service=services.create_webhook)(pages.create_webhook)
    routes.get(ONE, query=DeliveryQuery, service=services.load_webhook)(pages.show_webhook)
    routes.get(f"{ONE}/figures", service=services.load_figures)(pages.show_own_figures)
    routes.get(f"{ONE}/edit", service=services.load_for_change)(pages.edit_webhook)
    routes.post(f"{ONE}/edit", service=services.update_webhook)(pages.save_webhook)
    routes.post(f"{ONE}/switch", service=services.update_webhook)(pages.switch_webhook)
    routes.post(f"{ONE}/delete", service=services.delete_webhook)(pages.delete_webhook)
    routes.post(f"{ONE}/rotate", service=services.rotate_secret)(pages.rotate_secret)
    routes.post(f"{ONE}/test", service=services.send_test)(pages.send_test)
    routes.post(f"{ONE}/replay", service=services.replay)(pages.replay)
    routes.get(DELIVERY, service=services.load_delivery)(pages.show_delivery)
    routes.post(f"{DELIVERY}/redeliver", service=services.redeliver)(pages.redeliver)
    return routes


routes: tuple[Route, ...] = (*routes_of(OWN), *routes_of(PANEL))
