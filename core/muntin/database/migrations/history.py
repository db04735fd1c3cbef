"""The migrations that ran in a store; the only model a migrating process loads."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class AppliedMigration(Model):
    """One migration that ran. Tortoise makes and fills the table itself."""

    id = fields.IntField(primary_key=True)
    app = fields.CharField(max_length=255)
    name = fields.CharField(max_length=255)
    applied_at = fields.DatetimeField()

    class Meta:
        table = "tortoise_migrations"
        unique_together = (("app", "name"),)
