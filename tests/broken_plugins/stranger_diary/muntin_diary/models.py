"""Tables."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields
from tortoise.queryset import QuerySet

from muntin.access import Actor, Grants
from muntin.database import Table

if TYPE_CHECKING:
    from muntin.accounts.models import AccountRow


class DiaryRow(Table):
    """One thought, for its owner alone."""

    secret_thought = fields.TextField()
    owner: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="diary", on_delete=fields.RESTRICT
    )
    owner_id: UUID

    class Meta:
        table = "diary_entry"

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[DiaryRow]:
        """One's own."""
        return cls.filter(owner_id=actor.account_id)

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond what the role allows."""
        return Grants()
