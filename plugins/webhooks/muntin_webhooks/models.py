"""What the panel keeps of webhooks. Times are milliseconds since 1970 where the sender compares them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index
from tortoise.models import Model
from tortoise.queryset import QuerySet

from muntin.access import NOTHING, Actor, Grants
from muntin.database import Table
from muntin_webhooks.permissions import ADMIN

FRESH, RETRY, SUCCESS, FAILED = "fresh", "retry", "success", "failed"
PENDING = (FRESH, RETRY)


class EndpointRow(Table):
    """A webhook: who wants to hear of what, and where it is sent."""

    account_id = fields.UUIDField(null=True)  # none: panel-wide; no foreign key: it goes with its account by an event
    created_by = fields.UUIDField(null=True)
    name = fields.CharField(max_length=191)
    description = fields.TextField(default="")
    kind = fields.CharField(max_length=64)  # of the destination
    config = fields.TextField()  # encrypted: addresses of chat services are secrets
    keys: Any = fields.JSONField(default=list)  # secrets.Key, sealed, newest first
    event_types: Any = fields.JSONField(default=list)  # patterns
    filters: Any = fields.JSONField(default=list)  # [{"field", "equals"}]
    is_enabled = fields.BooleanField(default=True)
    retry_count = fields.IntField(null=True)  # none: the schedule over three days
    retry_delay_s = fields.IntField(null=True)
    timeout_s = fields.IntField(default=15)
    revision = fields.BigIntField()  # greater after each change
    last_status = fields.IntField(null=True)
    failing_since_ms = fields.BigIntField(null=True)  # first failure after the last success
    disabled_reason = fields.TextField(default="")
    leased_by = fields.CharField(max_length=64, null=True)  # the sender that alone sends to it now
    leased_until_ms = fields.BigIntField(default=0)

    class Meta:
        table = "webhooks_endpoint"
        indexes = [Index(fields=("account_id", "name"))]

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[EndpointRow]:
        """One's own; panel-wide ones for administrators of webhooks."""
        return cls.filter(account_id=actor.account_id) if actor.account_id else cls.filter(id=None)

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond the role."""
        return NOTHING


class PanelEndpointRow(EndpointRow):
    """The same rows as administrators of webhooks see them: those that belong to nobody."""

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[EndpointRow]:
        """The panel-wide ones; whether the actor may do anything with them is a matter of permission."""
        return EndpointRow.filter(account_id=None) if actor.may(ADMIN) else EndpointRow.filter(id=None)


class MessageRow(Table):
    """An event as it is told; kept once, however many webhooks hear of it. Its id is the event's."""

    type = fields.CharField(max_length=128)
    version = fields.IntField()
    resource_type = fields.CharField(max_length=64)
    resource_id = fields.CharField(max_length=255)
    sequence = fields.BigIntField()
    occurred_at = fields.DatetimeField()
    recorded_at_ms = fields.BigIntField()
    actor_id = fields.UUIDField(null=True)
    accounts: Any = fields.JSONField(default=list)  # ids of the accounts it concerns
    payload: Any = fields.JSONField()

    class Meta:
        table = "webhooks_message"
        indexes = [Index(fields=("recorded_at_ms",))]


class DeliveryRow(Model):
    """One message on its way to one webhook.

    `number` grows with each insert, so per resource and endpoint it has the order of the events. `id` follows from
    endpoint, message and occasion, so the same event never makes a second row.
    """

    number = fields.BigIntField(primary_key=True)
    id = fields.UUIDField(unique=True)
    endpoint: fields.ForeignKeyRelation[EndpointRow] = fields.ForeignKeyField(
        "webhooks.EndpointRow", related_name="deliveries", on_delete=fields.CASCADE
    )
    endpoint_id: UUID
    message_id = fields.UUIDField()  # no foreign key: both go by age
    type = fields.CharField(max_length=128)
    state = fields.CharField(max_length=8, default=FRESH)  # fresh, retry, success, failed
    attempts = fields.IntField(default=0)
    due_at_ms = fields.BigIntField(default=0)
    created_at_ms = fields.BigIntField()
    sent_at_ms = fields.BigIntField(null=True)
    status_code = fields.IntField(null=True)
    response_ms = fields.IntField(null=True)
    error = fields.TextField(null=True)
    response = fields.TextField(null=True)  # the beginning of the answer's body
    history: Any = fields.JSONField(null=True)  # earlier attempts, the oldest first

    class Meta:
        table = "webhooks_delivery"
        indexes = [
            Index(fields=("endpoint_id", "state", "due_at_ms", "number")),
            Index(fields=("endpoint_id", "created_at_ms")),
            Index(fields=("message_id", "endpoint_id")),
        ]

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[DeliveryRow]:
        """Those of one's own webhooks; those of the panel's for administrators of webhooks."""
        if actor.account_id is None:
            return cls.filter(id=None)
        own = Q(endpoint__account_id=actor.account_id)
        return cls.filter(own | Q(endpoint__account_id__isnull=True) if actor.may(ADMIN) else own)

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond the role."""
        return NOTHING
