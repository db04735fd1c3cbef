"""What the panel keeps of programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.queryset import QuerySet

from muntin.access import Actor, Grants
from muntin.database import Table

if TYPE_CHECKING:
    from muntin.accounts.models import AccountRow
    from muntin.nodes.models import NodeRow


class ProgramRow(Table):
    """One program; `state` is what its node reported."""

    name = fields.CharField(max_length=191)
    argv: Any = fields.JSONField()
    state = fields.CharField(max_length=16, default="offline")
    owner: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="programs", on_delete=fields.RESTRICT
    )
    owner_id: UUID
    node: fields.ForeignKeyRelation[NodeRow] = fields.ForeignKeyField(
        "core.NodeRow", related_name="programs", on_delete=fields.RESTRICT
    )
    node_id: UUID

    class Meta:
        table = "programs_program"

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[ProgramRow]:
        """One's own."""
        return cls.filter(owner_id=actor.account_id)

    async def rights_of(self, actor: Actor) -> Grants:
        """Everything, for the owner."""
        return Grants(("programs.use",) if actor.account_id == self.owner_id else ())
