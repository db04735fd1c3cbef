"""`/api/v1/admin/nodes/{id}/allocations` and `/api/v1/servers/{id}/allocations`."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.errors import Conflict, LimitReached
from muntin.routing import Routes
from muntin.schemas import Page, PageQuery
from muntin_gameservers.allocations import nodes, service
from muntin_gameservers.allocations.schemas import AllocationChanges, AllocationsIn, NodeAllocationQuery
from muntin_gameservers.errors import (
    AllocationInUse,
    AllocationPrimary,
    NoAllocationAvailable,
    ServerLocked,
    ServerSuspended,
)
from muntin_gameservers.schemas import Allocation
from muntin_gameservers.servers.listing import server_id_of

routes = Routes(dialect="native", prefix="/api/v1", tags=("allocations",))
NODE = "/admin/nodes/<uuid:node_id>/allocations"
SERVER = "/servers/<string:server_id>/allocations"
OWN = f"{SERVER}/<uuid:allocation_id>"


@routes.get(NODE, query=NodeAllocationQuery, returns=Page[Allocation], service=nodes.list_node_allocations)
async def list_node_allocations(actor: Actor, node_id: UUID, query: NodeAllocationQuery) -> Page[Allocation]:
    """List the addresses of a node."""
    return await nodes.list_node_allocations(actor, node_id, query)


@routes.post(
    NODE,
    body=AllocationsIn,
    returns=list[Allocation],
    status=201,
    service=nodes.create_allocations,
    errors=(Conflict,),
)
async def create_allocations(actor: Actor, node_id: UUID, wanted: AllocationsIn) -> list[Allocation]:
    """Add addresses to a node; those it has are skipped, 409 only if it has all of them."""
    return await nodes.create_allocations(actor, node_id, wanted)


@routes.delete(f"{NODE}/<uuid:allocation_id>", service=nodes.delete_allocation, errors=(AllocationInUse,))
async def delete_allocation(actor: Actor, node_id: UUID, allocation_id: UUID) -> None:
    """Remove a free address of a node."""
    await nodes.delete_allocation(actor, node_id, allocation_id)


@routes.get(SERVER, query=PageQuery, returns=Page[Allocation], service=service.list_allocations)
async def list_allocations(actor: Actor, server_id: str, query: PageQuery) -> Page[Allocation]:
    """The addresses of the server."""
    return await service.list_allocations(actor, await server_id_of(server_id), query)


@routes.post(
    SERVER,
    returns=Allocation,
    status=201,
    service=service.claim_allocation,
    errors=(LimitReached, NoAllocationAvailable, ServerLocked, ServerSuspended),
)
async def claim_allocation(actor: Actor, server_id: str) -> Allocation:
    """Give the server a free address of its node."""
    return await service.claim_allocation(actor, await server_id_of(server_id))


@routes.put(
    OWN,
    body=AllocationChanges,
    returns=Allocation,
    service=service.update_allocation,
    errors=(ServerLocked, ServerSuspended),
)
async def update_allocation(
    actor: Actor, server_id: str, allocation_id: UUID, changes: AllocationChanges
) -> Allocation:
    """Write notes, or make the address the primary one."""
    return await service.update_allocation(actor, await server_id_of(server_id), allocation_id, changes)


@routes.delete(OWN, service=service.release_allocation, errors=(AllocationPrimary, ServerLocked, ServerSuspended))
async def release_allocation(actor: Actor, server_id: str, allocation_id: UUID) -> None:
    """Give an address back."""
    await service.release_allocation(actor, await server_id_of(server_id), allocation_id)
