"""What the panel remembers of its plugins."""

from __future__ import annotations

from tortoise import fields

from muntin.database import Table


class PluginRow(Table):
    """One plugin that was ever activated: its state, and why it is not running if it is not."""

    name = fields.CharField(max_length=32, unique=True)
    version = fields.CharField(max_length=64, default="")
    state = fields.CharField(max_length=16, default="enabled")  # enabled | disabled | quarantined
    reason = fields.TextField(default="")  # why quarantined

    class Meta:
        table = "core_plugin"


class VersionRow(Table):
    """A number that grows with each change of something every process has to know of.

    Processes look at it each second, because a message on the bus can be missed.
    """

    name = fields.CharField(max_length=64, unique=True)
    number = fields.BigIntField(default=0)

    class Meta:
        table = "core_version"
