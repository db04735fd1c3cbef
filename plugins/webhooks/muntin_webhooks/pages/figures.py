"""Figures as the chart of the panel draws them."""

from __future__ import annotations

from typing import Any

from muntin.translation import _
from muntin_webhooks.schemas import Statistics


def chart_of(figures: Statistics) -> dict[str, Any]:
    """Deliveries per hour of the last day."""
    hours = figures.hours
    return {
        "time": [int(one.start.timestamp()) for one in hours],
        "series": [
            {"label": _("Delivered"), "values": [one.delivered for one in hours], "tone": "good"},
            {"label": _("Failed"), "values": [one.failed for one in hours], "tone": "bad"},
            {"label": _("Waiting"), "values": [one.pending for one in hours], "tone": "busy"},
        ],
    }
