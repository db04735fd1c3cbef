"""What processes tell each other of webhooks."""

from __future__ import annotations

from uuid import UUID

from muntin.database import Transaction
from muntin.runtime import panel

CHANGED_TOPIC = "webhooks.changed"
"""A webhook was made, changed or deleted; data is its id."""
DUE_TOPIC = "webhooks.due"
"""Something waits to be sent; data is null."""


def tell_changed(events: Transaction, endpoint_id: UUID) -> None:
    """Let senders know after the commit."""
    text = str(endpoint_id)
    events.after_commit(lambda: panel().bus.publish(CHANGED_TOPIC, text))


def tell_due(events: Transaction) -> None:
    """Wake the senders after the commit; without, they look each second."""
    events.after_commit(lambda: panel().bus.publish(DUE_TOPIC, None))
