"""Mails on their way: written with the change that causes them, sent by the worker."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index

from muntin.database import Table

QUEUED = "queued"
SENT = "sent"
DEAD = "dead"


class MailRow(Table):
    """One mail to one address. Its id is its Message-ID, so a mail sent twice is seen to be the same."""

    template = fields.CharField(max_length=128)
    to_address = fields.CharField(max_length=320)
    to_name = fields.CharField(max_length=191, default="")
    values = fields.TextField(null=True)  # encrypted JSON (links hold tokens); forgotten once it is sent or given up
    state = fields.CharField(max_length=16, default=QUEUED)
    attempts = fields.IntField(default=0)
    last_error = fields.TextField(null=True)
    sent_at = fields.DatetimeField(null=True)

    class Meta:
        table = "core_mail"
        indexes = [Index(fields=("state", "created_at"))]
