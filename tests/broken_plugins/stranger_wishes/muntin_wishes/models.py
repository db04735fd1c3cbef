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


class WishRow(Table):
    """One wish."""

    wish = fields.TextField()
    owner: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="wishes", on_delete=fields.RESTRICT
    )
    owner_id: UUID

    class Meta:
        table = "wishes_wish"

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[WishRow]:
        """One's own."""
        return cls.filter(owner_id=actor.account_id)

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond what the role allows."""
        return Grants()
