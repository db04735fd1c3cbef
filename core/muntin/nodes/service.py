"""Nodes: adding, changing, removing them, and giving them their credentials."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.deletion import refuse_objections
from muntin.errors import Conflict, NotFound
from muntin.nodes.client import FACTS_BYTES, NodeSaidNo, call_node
from muntin.nodes.credentials import digest, new_token, new_token_id, seal, token_of
from muntin.nodes.events import NodeCreated, NodeDeleted, NodeMaintenance, NodeUpdated
from muntin.nodes.models import NodeRow
from muntin.nodes.reporting import tell_status
from muntin.nodes.schemas import (
    AllocatedOut,
    EnrolmentToken,
    Gauge,
    Node,
    NodeChanges,
    NodeConfiguration,
    NodeIn,
    NodeQuery,
    NodeStats,
    NodeWithToken,
    Traffic,
    Utilization,
)
from muntin.nodes.usage import promised_of
from muntin.runtime import panel
from muntin.schemas import Page
from muntin.translation import _
from muntin.vetoes import ask

ENROL_WITHIN = timedelta(hours=1)
SORTABLE = {
    "name": "name",
    "location": "location",
    "memory": "memory_mib",
    "disk": "disk_mib",
    "created_at": "created_at",
    "last_seen_at": "last_seen_at",
}
COLUMNS = {
    "memory": "memory_mib",
    "memory_overallocate": "memory_overallocate_percent",
    "disk": "disk_mib",
    "disk_overallocate": "disk_overallocate_percent",
    "cpu": "cpu_percent",
    "upload_size": "upload_size_mib",
}
NULLABLE = frozenset({"description", "location", "cpu"})


class NodeNameTaken(Conflict):
    """Another node has this name."""

    default_message = "Another node has this name."


class NodeHasServers(Conflict):
    """Workloads run on the node."""

    code = "node_has_servers"
    default_message = "Something still runs on this node."


@guarded("admin.nodes.list")
async def list_nodes(actor: Actor, query: NodeQuery) -> Page[Node]:
    """Nodes by name, place or address."""
    rows = NodeRow.visible_to(actor)
    if query.search:
        text = query.search
        rows = rows.filter(Q(name__icontains=text) | Q(fqdn__icontains=text) | Q(location__icontains=text))
    if query.status:
        rows = rows.filter(NodeRow.with_status(query.status))
    total = await rows.count()
    found = await rows.order_by(*query.order(SORTABLE, default="name")).offset(query.offset).limit(query.per_page)
    return Page.of(await _shown(found), total, query)


@guarded("admin.nodes.list", on=NodeRow)
async def load_node(actor: Actor, node: NodeRow) -> Node:
    """One node."""
    return (await _shown([node]))[0]


@guarded("admin.nodes.create")
async def create_node(actor: Actor, wanted: NodeIn) -> NodeWithToken:
    """Add a node; its token is shown here once.

    Raises:
        NodeNameTaken: The name is in use.
    """
    token = new_token()
    values = {COLUMNS.get(name, name): value for name, value in wanted.model_dump().items()}
    try:
        async with transaction() as events:
            row = await NodeRow.create(**values, token_id=new_token_id(), token=seal(token))
            events.add(NodeCreated(node_id=row.id, name=row.name, by=actor.account_id))
            await audit.record(events, actor, "node.created", ("node", row.id), wanted.model_dump())
    except IntegrityError as error:
        raise NodeNameTaken from error
    return await _with_token(row, token)


@guarded("admin.nodes.update", on=NodeRow)
async def update_node(actor: Actor, node: NodeRow, changes: NodeChanges) -> Node:
    """Change a node's settings; what it needs of them reaches it when it next asks.

    Raises:
        NodeNameTaken: The name is in use.
    """
    asked = changes.model_dump(exclude_unset=True)
    values = {COLUMNS.get(n, n): v for n, v in asked.items() if v is not None or n in NULLABLE}
    try:
        async with transaction() as events:
            await NodeRow.filter(id=node.id).update(**values, updated_at=datetime.now(UTC))
            row = await NodeRow.get(id=node.id)
            events.add(NodeUpdated(node_id=row.id, name=row.name, by=actor.account_id))
            if row.maintenance_mode != node.maintenance_mode:
                enabled = row.maintenance_mode
                events.add(NodeMaintenance(node_id=row.id, name=row.name, enabled=enabled, by=actor.account_id))
                events.after_commit(lambda: tell_status(row))
            await audit.record(events, actor, "node.updated", ("node", row.id), asked)
    except IntegrityError as error:
        raise NodeNameTaken from error
    return (await _shown([row]))[0]


@guarded("admin.nodes.delete", on=NodeRow)
async def delete_node(actor: Actor, node: NodeRow) -> None:
    """Remove a node that nothing runs on.

    Raises:
        NodeHasServers: Workloads run there.
        Conflict: A plugin objects, or still has something there.
        Vetoed: A plugin objects.
    """
    if (await promised_of([node.id]))[node.id].workloads:
        raise NodeHasServers
    await refuse_objections("node", node.id)
    await ask("node.delete", actor, {"node_id": node.id, "name": node.name})
    try:
        async with transaction() as events:
            await NodeRow.filter(id=node.id).delete()
            events.add(NodeDeleted(node_id=node.id, name=node.name, by=actor.account_id))
            await audit.record(events, actor, "node.deleted", ("node", node.id), {"name": node.name})
            events.after_commit(lambda: panel().bus.publish(gone_topic(node.id)))
    except IntegrityError as error:
        raise Conflict(_("Something of a plugin that is not running is still on this node.")) from error


def gone_topic(node_id: UUID | None) -> str:
    """The topic on which processes hear that a node was removed, so that its line to the panel ends."""
    return f"nodes.gone.{node_id}"


@guarded("admin.nodes.update", on=NodeRow)
async def load_configuration(actor: Actor, node: NodeRow) -> NodeConfiguration:
    """The configuration file of the node, token included."""
    return configuration_of(node)


@guarded("admin.nodes.update", on=NodeRow)
async def rotate_token(actor: Actor, node: NodeRow) -> NodeWithToken:
    """Give the node a new credential; the old one is taken until the node has the new one."""
    token = new_token()
    async with transaction() as events:
        await NodeRow.filter(id=node.id).update(token=seal(token), previous_token=node.token)
        await audit.record(events, actor, "node.token_rotated", ("node", node.id), {})
    return await _with_token(await NodeRow.get(id=node.id), token)


@guarded("admin.nodes.update", on=NodeRow)
async def issue_enrolment_token(actor: Actor, node: NodeRow) -> EnrolmentToken:
    """A token with which one machine, once, within an hour, fetches this node's configuration."""
    token = secrets.token_urlsafe(32)
    until = datetime.now(UTC) + ENROL_WITHIN
    async with transaction() as events:
        await NodeRow.filter(id=node.id).update(enrolment_hash=digest(token), enrolment_until=until)
        await audit.record(events, actor, "node.enrolment_issued", ("node", node.id), {})
    url = panel().configuration.public_url
    command = f"muntin-node configure --panel-url {url} --token {token}"
    return EnrolmentToken(token=token, expires_at=until, command=command)


@guarded(None)
async def enrol(actor: Actor, *, token: str) -> NodeConfiguration:
    """Exchange a one-time token for the node's configuration.

    Raises:
        NotFound: The token is unknown, used or too old.
    """
    async with transaction() as events:
        row = await NodeRow.get_or_none(enrolment_hash=digest(token), enrolment_until__gt=datetime.now(UTC))
        used = row and await NodeRow.filter(id=row.id, enrolment_hash=digest(token)).update(
            enrolment_hash=None, enrolment_until=None
        )
        if row is None or not used:
            raise NotFound(_("This enrolment token is unknown, used, or older than an hour."))
        await audit.record(events, Actor.system(), "node.enrolled", ("node", row.id), {"address": actor.address})
    return configuration_of(row)


@guarded("admin.nodes.list", on=NodeRow)
async def load_stats(actor: Actor, node: NodeRow) -> NodeStats:
    """Figures of the machine, asked of it now.

    Raises:
        NodeUnreachable: It did not answer.
        NodeSaidNo: What it answered are no figures.
    """
    figures = _figures(
        await call_node(node, "GET", "/api/system/utilization", timeout_s=5, max_answer_bytes=FACTS_BYTES)
    )
    promised = await promised_of([node.id])
    return NodeStats(
        cpu=figures.cpu_percent,
        memory=Gauge(total=figures.memory_total, used=figures.memory_used),
        disk=Gauge(total=figures.disk_total, used=figures.disk_used),
        network=Traffic(rx=_latest(node, "rx_bytes"), tx=_latest(node, "tx_bytes")),
        load=[figures.load_average1, figures.load_average5, figures.load_average15],
        uptime=_number(_used(node).get("uptime_s")),
        servers_running=promised[node.id].workloads,
    )


def configuration_of(node: NodeRow) -> NodeConfiguration:
    """A node's configuration in the form of Wings' `config.yml`."""
    return NodeConfiguration(
        uuid=node.id,
        token_id=node.token_id,
        token=token_of(node),
        api={
            "host": _listens_on(node),
            "port": node.daemon_port,
            "ssl": {"enabled": node.scheme == "https" and not node.behind_proxy},
            "upload_limit": node.upload_size_mib,
        },
        system={"data": node.data_directory, "sftp": {"bind_port": node.sftp_port}},
        remote=panel().configuration.public_url,
    )


def _listens_on(node: NodeRow) -> str:
    if node.behind_proxy:
        return "127.0.0.1"
    return "::" if ":" in node.fqdn else "0.0.0.0"  # noqa: S104 - a node is there to be reached


def _used(node: NodeRow) -> dict[str, Any]:
    used = node.report.get("used", {}) if isinstance(node.report, dict) else {}
    return used if isinstance(used, dict) else {}


def _latest(node: NodeRow, name: str) -> int:
    network = _used(node).get("network", {})
    return _number(network.get(name)) if isinstance(network, dict) else 0


def _number(value: object) -> int:
    """A whole number a node told; 0 for what is none."""
    return int(value) if isinstance(value, int | float) and 0 <= value < 2**63 else 0


def _figures(answer: object) -> Utilization:
    try:
        return Utilization.model_validate(answer)
    except ValidationError as error:
        raise NodeSaidNo(200, _("its answer holds no figures")) from error


async def _with_token(row: NodeRow, token: str) -> NodeWithToken:
    shown = (await _shown([row]))[0]
    values = {name: getattr(shown, name) for name in Node.__dataclass_fields__}
    return NodeWithToken(**values, daemon_token_id=row.token_id, daemon_token=token)


async def _shown(rows: Sequence[NodeRow]) -> list[Node]:
    promised = await promised_of([row.id for row in rows])
    return [_node(row, promised[row.id]) for row in rows]


def _node(row: NodeRow, allocated: Any) -> Node:
    same = ("id", "name", "description", "location", "fqdn", "scheme", "daemon_port", "sftp_port", "behind_proxy")
    also = ("is_public", "maintenance_mode", "status", "daemon_version", "last_seen_at", "created_at", "updated_at")
    return Node(
        **{name: getattr(row, name) for name in same + also},
        **{name: getattr(row, column) for name, column in COLUMNS.items()},
        allocated=AllocatedOut(
            memory=allocated.memory_mib,
            disk=allocated.disk_mib,
            cpu=allocated.cpu_percent,
            servers=allocated.workloads,
        ),
    )


async def node_named(name: str) -> NodeRow:
    """A node by name, for the command line.

    Raises:
        NotFound: There is none.
    """
    row = await NodeRow.get_or_none(name=name)
    if row is None:
        raise NotFound(_("There is no node {name}.", name=name))
    return row
