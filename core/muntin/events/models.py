"""The outbox, and how far each subscriber has come in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from muntin.database import Table

PENDING = "pending"
ROUTED = "routed"


class ResourceSequence(Table):
    """The number of the last event of a resource. Its lock makes transactions on one resource commit in order."""

    resource_type = fields.CharField(max_length=64)
    resource_id = fields.CharField(max_length=255)
    newest = fields.BigIntField()

    class Meta:
        table = "core_resource_sequence"
        unique_together = (("resource_type", "resource_id"),)


class OutboxRow(Table):
    """An event, written in the transaction that made it true."""

    type = fields.CharField(max_length=128)
    version = fields.IntField()
    resource_type = fields.CharField(max_length=64)
    resource_id = fields.CharField(max_length=255)
    sequence = fields.BigIntField()
    payload: Any = fields.JSONField()
    occurred_at = fields.DatetimeField()
    actor_id = fields.UUIDField(null=True)
    state = fields.CharField(max_length=16, default=PENDING)  # then "routed": every lane that wants it knows of it

    class Meta:
        table = "core_outbox"
        unique_together = (("resource_type", "resource_id", "sequence"),)
        indexes = [Index(fields=("state", "id")), Index(fields=("occurred_at",))]


class Subscriber(Table):
    """A subscriber that was registered once; events are kept for it, also while its plugin is disabled."""

    name = fields.CharField(max_length=128, unique=True)
    plugin = fields.CharField(max_length=64)
    event_types: Any = fields.JSONField()  # list of patterns

    class Meta:
        table = "core_subscriber"


class Lane(Table):
    """The events of one resource that one subscriber still has to get, in order; gone when there are none.

    Times are milliseconds since 1970, so that both databases compare them alike.
    """

    subscriber = fields.CharField(max_length=128)
    resource_type = fields.CharField(max_length=64)
    resource_id = fields.CharField(max_length=255)
    apart = fields.CharField(max_length=36, default="")  # the one event of a retried dead letter; "" for all others
    position = fields.BigIntField()  # sequence of the last event that is done with
    upto = fields.BigIntField()  # sequence of the last event that is to be delivered
    attempts = fields.IntField(default=0)  # failed calls for the next event
    due_at_ms = fields.BigIntField(default=0)
    leased_until_ms = fields.BigIntField(default=0)
    leased_by = fields.CharField(max_length=64, null=True)
    last_error = fields.TextField(null=True)

    class Meta:
        table = "core_delivery_lane"
        unique_together = (("subscriber", "resource_type", "resource_id", "apart"),)
        indexes = [Index(fields=("subscriber", "due_at_ms")), Index(fields=("resource_type", "resource_id"))]


class DeadLetter(Table):
    """An event that a subscriber failed on too often; later events of its resource went on."""

    subscriber = fields.CharField(max_length=128)
    event: fields.ForeignKeyRelation[OutboxRow] = fields.ForeignKeyField(
        "core.OutboxRow", related_name="dead_letters", on_delete=fields.CASCADE
    )
    event_id: UUID
    attempts = fields.IntField()
    error = fields.TextField()

    class Meta:
        table = "core_dead_letter"
        unique_together = (("subscriber", "event_id"),)
