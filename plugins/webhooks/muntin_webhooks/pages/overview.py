"""A card on the administrators' overview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muntin.access import Actor
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.services import PANEL

SHOWN = 6


async def load_overview(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Figures of the day and what needs somebody; nothing where there are no webhooks."""
    figures = await PANEL.load_statistics(actor)
    if not figures.total_webhooks:
        return None
    troubled = EndpointRow.filter(account_id=None).exclude(failing_since_ms=None, disabled_reason="")
    return {"figures": figures, "troubled": await troubled.order_by("name").limit(SHOWN)}
