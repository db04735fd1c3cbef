"""Where nodes come to: enrolment, and the socket they keep open."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson

from muntin.access import Actor
from muntin.bus import Json
from muntin.call import Call
from muntin.connections import FLOOD, MAX_MESSAGE_BYTES, REVOKED, Socket
from muntin.errors import NotAuthenticated
from muntin.limits import Pace
from muntin.nodes.dialect import without_nul
from muntin.nodes.halves import HALVES_TOPIC, panel_versions
from muntin.nodes.reporting import pass_on, take_health
from muntin.nodes.schemas import EnrolIn, NodeConfiguration
from muntin.nodes.service import enrol, gone_topic
from muntin.routing import Routes
from muntin.runtime import panel

routes = Routes(dialect="node", prefix="/api/node", tags=("node",))
MESSAGES, WITHIN_S = 1000, 10.0
"""What a node may send; a healthy one sends a few each second."""
log = logging.getLogger("muntin.nodes")


@routes.post("/enrol", body=EnrolIn, returns=NodeConfiguration, service=enrol)
async def enrol_node(actor: Actor, proof: EnrolIn) -> NodeConfiguration:
    """Exchange a one-time token for a node's configuration."""
    return await enrol(actor, token=proof.token)


@routes.websocket("/bus", service=take_health)
async def node_bus(actor: Actor, call: Call) -> None:
    """The node's line to the panel: `{"topic", "data"}` both ways."""
    socket = call.socket
    if actor.kind != "node" or socket is None:
        raise NotAuthenticated
    await socket.accept()
    outgoing: asyncio.Queue[Json] = asyncio.Queue(maxsize=1000)
    outgoing.put_nowait({"topic": HALVES_TOPIC, "data": {**panel_versions()}})
    unsubscribe = panel().bus.subscribe(f"to-node.{actor.node_id}", lambda _topic, data: _offer(outgoing, data))
    end_when_gone = panel().bus.subscribe(gone_topic(actor.node_id), lambda *_: socket.end(REVOKED, "revoked"))
    sender = asyncio.create_task(_send(socket, outgoing))
    pace = Pace(messages=MESSAGES, within_s=WITHIN_S)
    try:
        while True:
            message = await socket.receive()
            if pace.is_exceeded():
                log.warning("The node %s sends too much; its line is closed", actor.username)
                socket.end(FLOOD, "too_many_messages")
                return
            await _take(actor, message)
    finally:
        unsubscribe()
        end_when_gone()
        sender.cancel()


async def _take(actor: Actor, message: str | bytes) -> None:
    if len(message) > MAX_MESSAGE_BYTES:
        log.warning("A message of the node %s is too large and was not taken", actor.username)
        return
    try:
        frame: Any = without_nul(orjson.loads(message))
    except orjson.JSONDecodeError:
        return
    if not isinstance(frame, dict) or not isinstance(frame.get("topic"), str):
        return
    if frame["topic"] == "health" and isinstance(frame.get("data"), dict):
        await take_health(actor, frame["data"])
    else:
        await pass_on(actor, frame["topic"], frame.get("data"))


def _offer(outgoing: asyncio.Queue[Json], data: Json) -> None:
    if not outgoing.full():  # a node that does not read loses messages, which it may by the bus's promise
        outgoing.put_nowait(data)


async def _send(socket: Socket, outgoing: asyncio.Queue[Json]) -> None:
    while True:
        text = orjson.dumps(await outgoing.get()).decode()
        if len(text) > MAX_MESSAGE_BYTES:  # the agent would close the line
            log.error("A message to a node has %d characters, more than the line carries; it was not sent", len(text))
            continue
        await socket.send(text)
