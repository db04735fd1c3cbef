"""Rows of webhooks as people see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from muntin.access import Actor
from muntin.encryption import CannotDecrypt
from muntin.translation import _
from muntin_webhooks.destinations.known import destinations
from muntin_webhooks.endpoints.configuring import open_config
from muntin_webhooks.endpoints.configuring import shown as shown_config
from muntin_webhooks.keys import ED25519, opened, public_key
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.schemas import NATIVE_NAMES, NewWebhook, Webhook

_NAMES = {kind: name for name, kind in NATIVE_NAMES.items()}


def shown(row: EndpointRow) -> Webhook:
    """One webhook; one whose destination's plugin is not enabled shows no address."""
    return Webhook(**_values(row))


async def load_webhook(actor: Actor, row: EndpointRow) -> Webhook:
    """One webhook, as a service."""
    return shown(row)


async def load_for_change(actor: Actor, row: EndpointRow) -> Webhook:
    """The same, for those who may change it."""
    return shown(row)


def shown_new(row: EndpointRow, secret: str) -> NewWebhook:
    """With its secret, for the only time."""
    return NewWebhook(**_values(row), secret=secret)


def moment(milliseconds: int | None) -> datetime | None:
    """A time as the sender keeps it."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _values(row: EndpointRow) -> dict[str, Any]:
    url, config, key = _opened(row)
    return {
        "id": row.id,
        "name": row.name,
        "type": _NAMES.get(row.kind, row.kind),
        "url": url,
        "has_secret": bool(row.keys),
        "events": tuple(row.event_types),
        "enabled": row.is_enabled,
        "last_status": row.last_status,
        "created_at": row.created_at,
        "description": row.description,
        "config": config,
        "filters": tuple(row.filters),
        "retry_count": row.retry_count,
        "retry_delay_s": row.retry_delay_s,
        "timeout_s": row.timeout_s,
        "failing_since": moment(row.failing_since_ms),
        "disabled_reason": row.disabled_reason,
        "public_key": key,
        "account_id": row.account_id,
    }


def _opened(row: EndpointRow) -> tuple[str, dict[str, Any], str | None]:
    destination = destinations().get(row.kind)
    if destination is None:
        return "", {}, None
    try:
        config = open_config(destination, row.config)
        key = next((public_key(one) for one in opened(row.keys) if one.kind == ED25519), None)
    except CannotDecrypt:
        return _("(not readable with the panel's key)"), {}, None
    return config.address(), shown_config(config), key
