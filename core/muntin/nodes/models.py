"""What the panel keeps of the machines it runs things on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tortoise import fields
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from muntin.access import NOTHING, Actor, Grants
from muntin.database import Table

SEEN_WITHIN = timedelta(seconds=30)


class NodeRow(Table):
    """One node; what it reported last is kept as it came."""

    name = fields.CharField(max_length=100, unique=True)
    description = fields.TextField(null=True)
    location = fields.CharField(max_length=191, null=True)
    fqdn = fields.CharField(max_length=255)
    scheme = fields.CharField(max_length=5, default="https")
    daemon_port = fields.IntField(default=8080)
    sftp_port = fields.IntField(default=2022)
    behind_proxy = fields.BooleanField(default=False)
    is_public = fields.BooleanField(default=True)
    maintenance_mode = fields.BooleanField(default=False)
    memory_mib = fields.BigIntField()
    memory_overallocate_percent = fields.IntField(default=0)  # -1: no limit
    disk_mib = fields.BigIntField()
    disk_overallocate_percent = fields.IntField(default=0)  # -1: no limit
    cpu_percent = fields.IntField(null=True)
    upload_size_mib = fields.IntField(default=100)
    data_directory = fields.CharField(max_length=255, default="")
    token_id = fields.CharField(max_length=16, unique=True)
    token = fields.TextField()  # encrypted: it signs, so it has to be recoverable
    previous_token = fields.TextField(default="")  # encrypted; still taken while the node has not heard of the new one
    enrolment_hash = fields.CharField(max_length=64, null=True, unique=True)
    enrolment_until = fields.DatetimeField(null=True)
    daemon_version = fields.CharField(max_length=64, null=True)
    last_seen_at = fields.DatetimeField(null=True)
    problem = fields.TextField(default="")  # what the node says is wrong with it
    report: Any = fields.JSONField(default=dict)  # the latest health report
    announced = fields.CharField(max_length=16, default="offline")  # the last of online|offline that became an event

    class Meta:
        table = "core_node"

    @property
    def status(self) -> str:
        """`maintenance`, `error`, `online` or `offline`."""
        if self.maintenance_mode:
            return "maintenance"
        if self.last_seen_at is None or self.last_seen_at < datetime.now(UTC) - SEEN_WITHIN:
            return "offline"
        return "error" if self.problem else "online"

    @classmethod
    def with_status(cls, status: str) -> Q:
        """The condition for a status."""
        seen = Q(last_seen_at__gte=datetime.now(UTC) - SEEN_WITHIN)
        return {
            "maintenance": Q(maintenance_mode=True),
            "online": Q(seen, problem="", maintenance_mode=False),
            "error": Q(seen, ~Q(problem=""), maintenance_mode=False),
            "offline": Q(~seen | Q(last_seen_at__isnull=True), maintenance_mode=False),
        }[status]

    @property
    def base_url(self) -> str:
        """Where the node listens."""
        host = f"[{self.fqdn}]" if ":" in self.fqdn else self.fqdn
        return f"{self.scheme}://{host}:{self.daemon_port}"

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[NodeRow]:
        """All for those who may list nodes; a node itself sees only itself."""
        if actor.kind == "node":
            return cls.filter(id=actor.node_id)
        return cls.all() if actor.may("admin.nodes.list") else cls.filter(id=None)

    async def rights_of(self, actor: Actor) -> Grants:
        """Nothing beyond the role."""
        return NOTHING
