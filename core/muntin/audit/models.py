"""The audit log: who did what to what, from where."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.indexes import Index

from muntin.database import Table


class AuditRow(Table):
    """One change of state. Names are kept beside ids, because the log outlives what it tells of."""

    event = fields.CharField(max_length=128)  # "user.updated"
    actor_type = fields.CharField(max_length=16)  # user, api_key or system
    actor_id = fields.UUIDField(null=True)  # of the account; deliberately no foreign key
    actor_username = fields.CharField(max_length=64, null=True)
    subject_type = fields.CharField(max_length=64)
    subject_id = fields.CharField(max_length=255)
    ip = fields.CharField(max_length=64, null=True)
    properties: Any = fields.JSONField(default=dict)  # without secrets
    plugin = fields.CharField(max_length=64, null=True)  # whose code recorded it, for purges; null: the core's

    class Meta:
        table = "core_audit"
        indexes = [
            Index(fields=("created_at",)),
            Index(fields=("actor_id", "created_at")),
            Index(fields=("subject_type", "subject_id", "created_at")),
            Index(fields=("event", "created_at")),
        ]
