"""What is done with webhooks, in words for people."""

from __future__ import annotations

from muntin.contributions import AuditWords
from muntin.translation import _

WORDS = (
    AuditWords(event="webhook.created", words=_("Made the webhook {name}")),
    AuditWords(event="webhook.deleted", words=_("Deleted the webhook {name}")),
    AuditWords(event="webhook.redelivered", words=_("Had a delivery of the webhook sent again")),
    AuditWords(event="webhook.replayed", words=_("Had past events sent to the webhook again")),
    AuditWords(event="webhook.rotated", words=_("Gave the webhook a new secret")),
    AuditWords(event="webhook.tested", words=_("Sent a test event to the webhook")),
    AuditWords(event="webhook.updated", words=_("Changed the webhook {name}")),
)
