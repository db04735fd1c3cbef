"""The Wings routes of game servers: statuses and bodies are the protocol's."""

from __future__ import annotations

import logging
from typing import Any, cast
from uuid import UUID

from quart import Blueprint, Response, jsonify, request

from muntin_gameservers.contract import (
    CommandsRequest,
    CreateRequest,
    DenyRequest,
    PowerAction,
    PowerRequest,
    ReinstallRequest,
)
from muntin_gameservers.node.half import GameServers
from muntin_gameservers.node.servers.errors import NotRunning, ServerSuspended
from muntin_gameservers.node.servers.install_log import stored_output
from muntin_gameservers.node.servers.server import Server
from muntin_gameservers.node.sockets.console_socket import serve_console
from muntin_gameservers.node.transfers.routes import add_transfer_routes
from muntin_node.access import public, state_of
from muntin_node.bodies import json_body
from muntin_node.errors import NodeError, NotFound
from muntin_node.threads import in_file_thread

log = logging.getLogger(__name__)
ACTIONS = ("start", "stop", "restart", "kill")
LONGEST_WAIT_S = 300
USUAL_WAIT_S = 30
LOG_LINES = 100


class Unprocessable(NodeError):
    """A value of the request is not one of those known."""

    status = 422


class NoInstallLog(NodeError):
    """There is no output of an install."""


def routes() -> tuple[Blueprint, ...]:
    """New blueprints."""
    blueprint = Blueprint("gameservers", __name__)
    add = blueprint.add_url_rule
    add("/api/servers", view_func=list_servers, methods=["GET"])
    add("/api/servers", view_func=create_server, methods=["POST"])
    add("/api/servers/<uuid>", view_func=show_server, methods=["GET"])
    add("/api/servers/<uuid>", view_func=delete_server, methods=["DELETE"])
    add("/api/servers/<uuid>/logs", view_func=show_logs, methods=["GET"])
    add("/api/servers/<uuid>/install-logs", view_func=show_install_logs, methods=["GET"])
    add("/api/servers/<uuid>/power", view_func=power, methods=["POST"])
    add("/api/servers/<uuid>/commands", view_func=send_commands, methods=["POST"])
    add("/api/servers/<uuid>/install", view_func=install, methods=["POST"])
    add("/api/servers/<uuid>/reinstall", view_func=reinstall, methods=["POST"])
    add("/api/servers/<uuid>/sync", view_func=synchronise, methods=["POST"])
    add("/api/servers/<uuid>/ws/deny", view_func=deny_sockets, methods=["POST"])
    add_transfer_routes(blueprint)
    blueprint.add_websocket("/api/servers/<uuid>/ws", view_func=console)
    return (blueprint,)


def _state() -> GameServers:
    return state_of(GameServers)


def _server(uuid: str) -> Server:
    return _state().fleet.get(uuid)


async def list_servers() -> Response:
    """Every server of this node with its figures."""
    return jsonify([server.details().model_dump(mode="json") for server in _state().fleet.all()])


async def create_server() -> Response:
    """Know a server and install it in the background."""
    wanted = await json_body(CreateRequest)
    await _state().fleet.create(_uuid4(wanted.uuid), start=wanted.start_on_completion)
    return Response(status=202)


def _uuid4(text: str) -> str:
    try:
        uuid = UUID(text)
    except ValueError:
        uuid = None
    if uuid is None or uuid.version != 4 or str(uuid) != text:
        raise Unprocessable("The uuid is not a version 4 uuid in its usual form.")
    return text


async def show_server(uuid: str) -> Response:
    """State and figures."""
    return jsonify(_server(uuid).details().model_dump(mode="json"))


async def delete_server(uuid: str) -> Response:
    """Remove container and files."""
    fleet = _state().fleet
    if not _is_uuid(uuid):
        raise NotFound
    await fleet.delete(uuid)
    return Response(status=204)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


async def show_logs(uuid: str) -> Response:
    """The last lines of the console, at most 100."""
    size = request.args.get("size", LOG_LINES, type=int) or LOG_LINES
    lines = _server(uuid).console.fanout.history(min(max(size, 1), LOG_LINES))
    return jsonify({"data": list(lines) or None})


async def show_install_logs(uuid: str) -> Response:
    """The output of the last install."""
    server = _server(uuid)
    try:
        output = await in_file_thread(stored_output, server.host.install_log(server.uuid))
    except OSError:
        raise NoInstallLog from None
    return jsonify({"data": output})


async def power(uuid: str) -> Response:
    """Begin a power action; what becomes of it is seen in the state."""
    server = _server(uuid)
    wanted = await json_body(PowerRequest)
    if wanted.action not in ACTIONS:
        raise Unprocessable(f"The action is not one of {', '.join(ACTIONS)}.")
    action = cast(PowerAction, wanted.action)
    if action in ("start", "restart") and server.is_suspended:
        raise ServerSuspended
    server.host.require_engine()
    wait_s = wanted.wait_seconds if 0 <= wanted.wait_seconds <= LONGEST_WAIT_S else USUAL_WAIT_S
    server.host.spawn(server.power.perform(action, wait_s=wait_s), f"{action} of {uuid}")
    return Response(status=202)


async def send_commands(uuid: str) -> Response:
    """Write lines to the server's input."""
    server = _server(uuid)
    wanted = await json_body(CommandsRequest)
    if server.run is None:
        raise NotRunning("The server is not running.")
    for line in wanted.commands:
        try:
            server.send_command(line)
        except NotRunning as error:
            log.info("A command to %s was lost: %s", uuid, error)
    return Response(status=204)


async def install(uuid: str) -> Response:
    """Run the install script, reported as a first install."""
    await _state().fleet.install(_server(uuid), reinstall=False)
    return Response(status=202)


async def reinstall(uuid: str) -> Response:
    """Stop the server and run the install script again."""
    server = _server(uuid)
    wanted = await json_body(ReinstallRequest) if await request.get_data() else ReinstallRequest()
    await _state().fleet.install(server, reinstall=True, wipe=wanted.wipe)
    return Response(status=202)


async def synchronise(uuid: str) -> Response:
    """Take over what the panel wants now."""
    await _state().fleet.synchronise(_server(uuid))
    return Response(status=204)


async def deny_sockets(uuid: str) -> Response:
    """Refuse tokens issued so far, also on open sockets."""
    _server(uuid)
    wanted = await json_body(DenyRequest)
    state = _state()
    state.context.tokens.deny_jtis(wanted.jtis)
    state.sockets.recheck_all()
    return Response(status=204)


@public
async def console(uuid: str) -> Any:
    """The websocket of a server; its first frame brings the token."""
    return await serve_console(_state(), uuid)
