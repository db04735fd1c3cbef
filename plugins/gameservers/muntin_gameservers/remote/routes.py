"""The routes under `/api/remote`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from muntin.access import Actor
from muntin.routing import Routes
from muntin_gameservers.contract import InstallReport, InstallScript, ServerConfiguration, StateChange, TransferReport
from muntin_gameservers.remote import service
from muntin_gameservers.remote.service import RemoteQuery

routes = Routes(dialect="wings", prefix="/api/remote", tags=("wings",))


class StateIn(BaseModel):
    """A state change, wrapped as Pelican wraps it."""

    model_config = ConfigDict(extra="ignore")

    data: StateChange


class ActivityIn(BaseModel):
    """Rows of activity."""

    model_config = ConfigDict(extra="ignore")

    data: list[dict[str, Any]] = Field(max_length=5000)


@routes.get("/servers", query=RemoteQuery, returns=dict[str, Any], service=service.list_configurations)
async def list_servers(actor: Actor, query: RemoteQuery) -> dict[str, Any]:
    """Every server of the calling node."""
    return await service.list_configurations(actor, query)


@routes.post("/servers/reset", status=204, service=service.reset_servers)
async def reset_servers(actor: Actor) -> None:
    """The node has started."""
    await service.reset_servers(actor)


@routes.get("/servers/<uuid:server_id>", returns=ServerConfiguration, service=service.load_configuration)
async def load_server(actor: Actor, server_id: UUID) -> ServerConfiguration:
    """One server's configuration."""
    return await service.load_configuration(actor, server_id)


@routes.get("/servers/<uuid:server_id>/install", returns=InstallScript, service=service.load_install_script)
async def load_install_script(actor: Actor, server_id: UUID) -> InstallScript:
    """One server's install script."""
    return await service.load_install_script(actor, server_id)


@routes.post(
    "/servers/<uuid:server_id>/install",
    body=InstallReport,
    status=204,
    service=service.take_install_report,
)
async def take_install_report(actor: Actor, server_id: UUID, report: InstallReport) -> None:
    """How an install ended."""
    await service.take_install_report(actor, server_id, report)


@routes.post("/servers/<uuid:server_id>/transfer/success", status=204, service=service.take_transfer_success)
async def take_transfer_success(actor: Actor, server_id: UUID) -> None:
    """A server has arrived."""
    await service.take_transfer_success(actor, server_id)


@routes.post(
    "/servers/<uuid:server_id>/transfer/failure",
    body=TransferReport,
    status=204,
    service=service.take_transfer_failure,
)
async def take_transfer_failure(actor: Actor, server_id: UUID, report: TransferReport) -> None:
    """A server could not be moved."""
    await service.take_transfer_failure(actor, server_id, report)


@routes.post("/servers/<uuid:server_id>/container/status", body=StateIn, returns=list[str], service=service.take_state)
async def take_state(actor: Actor, server_id: UUID, change: StateIn) -> list[str]:
    """A server's power state changed."""
    await service.take_state(actor, server_id, change.data)
    return []


@routes.post("/activity", body=ActivityIn, service=service.take_activity)
async def take_activity(actor: Actor, rows: ActivityIn) -> None:
    """What people did over the node's own sockets."""
    await service.take_activity(actor, rows.data)
