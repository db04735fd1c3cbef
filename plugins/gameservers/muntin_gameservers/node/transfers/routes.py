"""The Wings routes of transfers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import cast

from quart import Blueprint, Response, g, request

from muntin_gameservers.contract import TransferRequest
from muntin_gameservers.node.half import GameServers
from muntin_gameservers.node.transfers.errors import TransferFailed
from muntin_gameservers.node.transfers.form import TransferForm
from muntin_gameservers.node.transfers.upload import SIZE_HEADER
from muntin_node.access import bearer_token, public, state_of
from muntin_node.bodies import BoundedBody, json_body, max_body, swallow_body
from muntin_node.errors import Forbidden, NodeError, TokenSpent
from muntin_node.tokens import Purpose

log = logging.getLogger(__name__)
LINGER_S = 20.0
ANY_SIZE = 2**63
LONGEST_NUMBER = 18


def add_transfer_routes(blueprint: Blueprint) -> None:
    """Both directions."""
    add = blueprint.add_url_rule
    add("/api/servers/<uuid>/transfer", view_func=start_transfer, methods=["POST"])
    add("/api/servers/<uuid>/transfer", view_func=cancel_outgoing_transfer, methods=["DELETE"])
    add("/api/transfers", view_func=receive_transfer, methods=["POST"])
    add("/api/transfers/<uuid>", view_func=cancel_incoming_transfer, methods=["DELETE"])


async def start_transfer(uuid: str) -> Response:
    """Stop a server and send it to another node in the background."""
    state = state_of(GameServers)
    server = state.fleet.get(uuid)
    await state.transfers.depart(server, await json_body(TransferRequest))
    return Response(status=202)


async def cancel_outgoing_transfer(uuid: str) -> Response:
    """Give up sending a server."""
    state = state_of(GameServers)
    state.fleet.get(uuid)
    await state.transfers.cancel_departure(uuid)
    return Response(status=202)


@public
@max_body(lambda: ANY_SIZE)
async def receive_transfer() -> Response:
    """Take a server from another node: the token says which one, the body brings its files."""
    try:
        uuid = _server_of_token()
    except NodeError:
        await swallow_body()
        raise
    try:
        form = TransferForm(aiter(request.body), request.headers.get("Content-Type", ""))
        arrival = state_of(GameServers).transfers.arrive(uuid, form, _announced_bytes())
        assert arrival.task is not None  # noqa: S101 - `arrive` has begun it
        try:
            await asyncio.shield(arrival.task)
        except asyncio.CancelledError:
            if arrival.task.cancelled():
                raise TransferFailed("The server was deleted meanwhile.") from None
            if not arrival.has_all:
                arrival.stop("The other node broke the transfer off.")
            raise
    except NodeError as error:
        return _refusal(error)
    return Response(status=HTTPStatus.OK)


async def cancel_incoming_transfer(uuid: str) -> Response:
    """Give up receiving a server."""
    await state_of(GameServers).transfers.cancel_arrival(uuid)
    return Response(status=202)


def _server_of_token() -> str:
    token = bearer_token(request.headers)
    try:
        return state_of(GameServers).context.tokens.verify(token, Purpose.TRANSFER).server_uuid
    except TokenSpent as error:
        raise Forbidden(error.reason) from error


def _refusal(error: NodeError) -> Response:
    """The error at once, the end of the answer when the other node has stopped sending: it would not read why else."""
    log.warning("request %s: %s", g.get("request_id", "-"), error.message)
    content = json.dumps({"error": error.message, "request_id": g.get("request_id", "")}).encode()
    body = cast(BoundedBody, request.body)

    async def said() -> AsyncIterator[bytes]:
        yield content
        await body.swallow(LINGER_S)

    headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    return Response(said(), status=error.status, headers=headers)


def _announced_bytes() -> int | None:
    text = request.headers.get(SIZE_HEADER, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None
