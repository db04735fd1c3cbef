"""What the panel remembers of its plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields

from muntin.database import Table

if TYPE_CHECKING:
    from muntin.nodes.models import NodeRow


class PluginRow(Table):
    """One plugin that was ever activated: its state, and why it is not running if it is not."""

    name = fields.CharField(max_length=32, unique=True)
    version = fields.CharField(max_length=64, default="")
    state = fields.CharField(max_length=16, default="enabled")  # enabled | disabled | quarantined
    reason = fields.TextField(default="")  # why quarantined
    footprint: Any = fields.JSONField(null=True)  # what of it lies in tables of the core, see `footprint`

    class Meta:
        table = "core_plugin"


class HalfRemovalRow(Table):
    """A node half whose files a node still has to delete; gone when the node has said that it did."""

    node: fields.ForeignKeyRelation[NodeRow] = fields.ForeignKeyField(
        "core.NodeRow", related_name="half_removals", on_delete=fields.CASCADE
    )
    node_id: UUID
    half = fields.CharField(max_length=64)

    class Meta:
        table = "core_half_removal"
        unique_together = (("node_id", "half"),)


class VersionRow(Table):
    """A number that grows with each change of something every process has to know of.

    Processes look at it each second, because a message on the bus can be missed.
    """

    name = fields.CharField(max_length=64, unique=True)
    number = fields.BigIntField(default=0)

    class Meta:
        table = "core_version"
