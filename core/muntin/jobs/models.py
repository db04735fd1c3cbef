"""Jobs as the panel sees them, and when each cron fired last."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.indexes import Index

from muntin.database import Table


class JobRow(Table):
    """One job; its id is the idempotency key for what it does outside.

    Times that are compared are milliseconds since 1970, so that both databases compare them alike.
    """

    name = fields.CharField(max_length=128)  # "plugin.task"
    plugin = fields.CharField(max_length=64)
    ordered_by = fields.UUIDField(null=True)  # the account that may see and cancel it; none: administrators alone
    queue = fields.CharField(max_length=16, null=True)  # known once a worker saw it
    arguments: Any = fields.JSONField()  # JSON object, the handler's keywords
    state = fields.CharField(max_length=16, default="queued")  # see JobState
    run = fields.IntField(default=1)  # counts what is handed to the journal; a retry is a new run
    attempts = fields.IntField(default=0)
    cancel_requested = fields.BooleanField(default=False)
    due_at_ms = fields.BigIntField()
    worker = fields.CharField(max_length=128, null=True)  # who runs it, or ran it last
    progress_percent = fields.IntField(default=0)
    progress_text = fields.CharField(max_length=255, default="")
    result: Any = fields.JSONField(null=True)  # {"value": JSON}
    error = fields.TextField(null=True)
    tries: Any = fields.JSONField(default=list)  # ended attempts, the latest MAX_TRIES; see ledger.tried
    started_at = fields.DatetimeField(null=True)  # of the latest attempt
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "core_job"
        indexes = [
            Index(fields=("state", "due_at_ms")),
            Index(fields=("plugin", "state")),
            Index(fields=("finished_at",)),
            Index(fields=("ordered_by", "id")),
        ]


class CronRow(Table):
    """When a cron was queued last, so that of several workers one queues it."""

    name = fields.CharField(max_length=128, unique=True)
    fired_at_ms = fields.BigIntField()

    class Meta:
        table = "core_cron"
