"""`/api/v1/admin/nodes`."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.errors import Conflict, NodeUnreachable
from muntin.nodes import halves, service
from muntin.nodes.halves import HalfOnNode
from muntin.nodes.schemas import (
    EnrolmentToken,
    Node,
    NodeChanges,
    NodeConfiguration,
    NodeIn,
    NodeQuery,
    NodeStats,
    NodeWithToken,
)
from muntin.routing import Routes
from muntin.schemas import Page

routes = Routes(dialect="native", prefix="/api/v1/admin/nodes", tags=("nodes",))


@routes.get("", query=NodeQuery, returns=Page[Node], service=service.list_nodes)
async def list_nodes(actor: Actor, query: NodeQuery) -> Page[Node]:
    """List nodes."""
    return await service.list_nodes(actor, query)


@routes.post(
    "",
    body=NodeIn,
    returns=NodeWithToken,
    status=201,
    idempotent=True,
    service=service.create_node,
    errors=(Conflict,),
)
async def create_node(actor: Actor, node: NodeIn) -> NodeWithToken:
    """Add a node; its token is shown once."""
    return await service.create_node(actor, node)


@routes.get("/<uuid:node_id>", returns=Node, service=service.load_node)
async def load_node(actor: Actor, node_id: UUID) -> Node:
    """One node."""
    return await service.load_node(actor, node_id)


@routes.put("/<uuid:node_id>", body=NodeChanges, returns=Node, service=service.update_node)
async def update_node(actor: Actor, node_id: UUID, changes: NodeChanges) -> Node:
    """Change a node."""
    return await service.update_node(actor, node_id, changes)


@routes.delete("/<uuid:node_id>", service=service.delete_node, errors=(service.NodeHasServers,))
async def delete_node(actor: Actor, node_id: UUID) -> None:
    """Remove a node that nothing runs on."""
    await service.delete_node(actor, node_id)


@routes.get("/<uuid:node_id>/configuration", returns=NodeConfiguration, service=service.load_configuration)
async def load_configuration(actor: Actor, node_id: UUID) -> NodeConfiguration:
    """The node's configuration file."""
    return await service.load_configuration(actor, node_id)


@routes.post("/<uuid:node_id>/rotate-token", returns=NodeWithToken, service=service.rotate_token)
async def rotate_token(actor: Actor, node_id: UUID) -> NodeWithToken:
    """Give the node a new credential."""
    return await service.rotate_token(actor, node_id)


@routes.post(
    "/<uuid:node_id>/enrolment-token",
    returns=EnrolmentToken,
    status=201,
    service=service.issue_enrolment_token,
)
async def issue_enrolment_token(actor: Actor, node_id: UUID) -> EnrolmentToken:
    """A one-time token for `muntin-node configure`."""
    return await service.issue_enrolment_token(actor, node_id)


@routes.get("/<uuid:node_id>/halves", returns=list[HalfOnNode], service=halves.load_halves)
async def load_halves(actor: Actor, node_id: UUID) -> list[HalfOnNode]:
    """Which plugins run on the node, and whether their versions fit the panel."""
    return list(await halves.load_halves(actor, node_id))


@routes.get("/<uuid:node_id>/stats", returns=NodeStats, service=service.load_stats, errors=(NodeUnreachable,))
async def load_stats(actor: Actor, node_id: UUID) -> NodeStats:
    """Figures of the machine."""
    return await service.load_stats(actor, node_id)
