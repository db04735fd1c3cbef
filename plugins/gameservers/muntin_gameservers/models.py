"""What the panel keeps of game servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.indexes import Index
from tortoise.queryset import QuerySet

from muntin.access import NOTHING, Actor, Grants
from muntin.database import Table
from muntin_gameservers.permissions import OWNER_GRANTS

if TYPE_CHECKING:
    from muntin.accounts.models import AccountRow
    from muntin.nodes.models import NodeRow


class NestRow(Table):
    """A group of eggs."""

    name = fields.CharField(max_length=191, unique=True)
    description = fields.TextField(null=True)
    author = fields.CharField(max_length=191, default="")

    class Meta:
        table = "gameservers_nest"

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[NestRow]:
        """All; who may list them is a matter of permission."""
        return cls.all()

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond the role."""
        return NOTHING


class EggRow(Table):
    """How to install and run one game; `definition` holds everything an egg file holds."""

    nest: fields.ForeignKeyRelation[NestRow] = fields.ForeignKeyField(
        "gameservers.NestRow", related_name="eggs", on_delete=fields.RESTRICT
    )
    nest_id: UUID
    name = fields.CharField(max_length=191)
    description = fields.TextField(null=True)
    author = fields.CharField(max_length=191, default="")
    definition: Any = fields.JSONField()  # EggDefinition.as_json()

    class Meta:
        table = "gameservers_egg"
        unique_together = (("nest", "name"),)

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[EggRow]:
        """All; who may list them is a matter of permission."""
        return cls.all()

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond the role."""
        return NOTHING


class ServerRow(Table):
    """One game server.

    `stage` is what the panel wants and knows: installing, install_failed, ready, transferring, deleting. `power` is
    the node's own and only ever what it reported.
    """

    short_id = fields.CharField(max_length=8, unique=True)
    external_id = fields.CharField(max_length=191, null=True, unique=True)
    name = fields.CharField(max_length=191)
    description = fields.TextField(null=True)
    owner: fields.ForeignKeyRelation[AccountRow] = fields.ForeignKeyField(
        "core.AccountRow", related_name="game_servers", on_delete=fields.RESTRICT
    )
    owner_id: UUID
    node: fields.ForeignKeyRelation[NodeRow] = fields.ForeignKeyField(
        "core.NodeRow", related_name="game_servers", on_delete=fields.RESTRICT
    )
    node_id: UUID
    egg: fields.ForeignKeyRelation[EggRow] = fields.ForeignKeyField(
        "gameservers.EggRow", related_name="servers", on_delete=fields.RESTRICT
    )
    egg_id: UUID
    allocation_id: UUID = fields.UUIDField(null=True)  # the primary one
    memory_mib = fields.BigIntField()  # 0: no limit
    swap_mib = fields.BigIntField(default=0)  # -1: no limit
    disk_mib = fields.BigIntField()  # 0: no limit
    io_weight = fields.IntField(default=500)
    cpu_percent = fields.IntField(default=0)  # 100 is one core; 0: no limit
    databases_limit = fields.IntField(default=0)
    backups_limit = fields.IntField(default=0)
    allocations_limit = fields.IntField(default=1)
    image = fields.CharField(max_length=255)
    startup = fields.TextField()
    environment: Any = fields.JSONField(default=dict)  # variable -> text
    skip_install = fields.BooleanField(default=False)
    start_on_completion = fields.BooleanField(default=False)
    stage = fields.CharField(max_length=16, default="installing")
    is_suspended = fields.BooleanField(default=False)
    suspension_reason = fields.TextField(null=True)
    power = fields.CharField(max_length=16, default="offline")
    problem = fields.TextField(default="")  # why it is not as wanted, for people
    last_exit: Any = fields.JSONField(null=True)  # servers.problems: how it ended; null while it runs
    installed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "gameservers_server"
        indexes = [
            Index(fields=("owner_id", "name")),
            Index(fields=("node_id",)),
            Index(fields=("egg_id",)),
            Index(fields=("stage",)),
        ]

    @property
    def status(self) -> str:
        """One word for people: suspended, transferring, installing, install_failed, or the power state."""
        return status_of(self.stage, is_suspended=self.is_suspended, power=self.power)

    @classmethod
    def belonging_to(cls, account_id: UUID | None) -> QuerySet[ServerRow]:
        """The servers an account owns or is a sub-user of."""
        shared = Subquery(SubuserRow.filter(account_id=account_id).values("server_id"))
        return cls.filter(Q(owner_id=account_id) | Q(id__in=shared))

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[ServerRow]:
        """One's own and shared ones; all for those who may list all; a node sees those placed on it."""
        if actor.kind == "node":
            return cls.filter(node_id=actor.node_id)
        if actor.may("admin.servers.list"):
            return cls.all()
        return cls.belonging_to(actor.account_id)

    async def rights_of(self, actor: Actor) -> Grants:
        """Everything for the owner, what was shared for a sub-user."""
        if actor.account_id == self.owner_id:
            return OWNER_GRANTS
        shared = await SubuserRow.get_or_none(server_id=self.id, account_id=actor.account_id)
        return Grants(("server.view", *shared.permissions)) if shared else NOTHING


def status_of(stage: str, *, is_suspended: bool, power: str) -> str:
    """One word for what a server's columns say of it; what is done with it comes before that it is suspended."""
    if stage in ("deleting", "transferring"):
        return stage
    if is_suspended:
        return "suspended"
    return power if stage == "ready" else stage


class AllocationRow(Table):
    """An address and port of a node, free or given to a server.

    One that belongs to a server of another node is kept for that server, which is on its way to this one.
    """

    node_id = fields.UUIDField()  # no foreign key: a node without servers may go, its addresses go after it
    ip = fields.CharField(max_length=45)
    alias = fields.CharField(max_length=191, null=True)
    port = fields.IntField()
    server: fields.ForeignKeyNullableRelation[ServerRow] = fields.ForeignKeyField(
        "gameservers.ServerRow", related_name="allocations", on_delete=fields.SET_NULL, null=True
    )
    server_id: UUID | None
    notes = fields.TextField(null=True)

    class Meta:
        table = "gameservers_allocation"
        unique_together = (("node_id", "ip", "port"),)
        indexes = [Index(fields=("server_id",))]


class SubuserRow(Table):
    """An account that may do some things with somebody else's server."""

    server: fields.ForeignKeyRelation[ServerRow] = fields.ForeignKeyField(
        "gameservers.ServerRow", related_name="subusers", on_delete=fields.CASCADE
    )
    server_id: UUID
    account_id = fields.UUIDField()  # no foreign key: an account may go while it shares in servers
    permissions: Any = fields.JSONField(default=list)

    class Meta:
        table = "gameservers_subuser"
        unique_together = (("server", "account_id"),)
        indexes = [Index(fields=("account_id",))]


class TicketRow(Table):
    """A one-time permission to open a console socket, for browsers, which cannot set headers on it."""

    digest = fields.CharField(max_length=64, unique=True)
    server_id = fields.UUIDField()
    actor: Any = fields.JSONField()  # who asked for it
    expires_at = fields.DatetimeField()

    class Meta:
        table = "gameservers_ticket"
        indexes = [Index(fields=("expires_at",))]


class TransferRow(Table):
    """A server's move to another node.

    `state` is pending (ordered), running (the old node was told), and then, once, succeeded or failed.
    """

    server: fields.ForeignKeyRelation[ServerRow] = fields.ForeignKeyField(
        "gameservers.ServerRow", related_name="transfers", on_delete=fields.CASCADE
    )
    server_id: UUID
    source_node_id = fields.UUIDField()  # no foreign keys: nodes may go once the move is over
    target_node_id = fields.UUIDField()
    allocation_id = fields.UUIDField()  # the primary one on the new node
    state = fields.CharField(max_length=16, default="pending")
    reason = fields.TextField(default="")  # why it failed, for people
    was_running = fields.BooleanField(default=False)
    ordered_by = fields.UUIDField(null=True)  # account
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "gameservers_transfer"
        indexes = [Index(fields=("server_id", "created_at")), Index(fields=("state", "target_node_id"))]


class LeftoverRow(Table):
    """What a node still has of a server that is not its any more; it is removed there as soon as the node can."""

    node_id = fields.UUIDField()
    server_id = fields.UUIDField()

    class Meta:
        table = "gameservers_leftover"
        unique_together = (("node_id", "server_id"),)
