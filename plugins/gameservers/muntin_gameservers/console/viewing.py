"""One person's (or program's) view of a console over the native websocket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson

from muntin.access import Actor, guarded
from muntin.bus import Json
from muntin.call import Call
from muntin.connections import FLOOD, Socket
from muntin.dialects import validate
from muntin.errors import InvalidInput, MuntinError, NotFound
from muntin.limits import Pace
from muntin.panel import Panel
from muntin_gameservers.console.hub import hub
from muntin_gameservers.console.upstream import Upstream, frame_text, number_of, skipped_text
from muntin_gameservers.errors import ServerSuspended
from muntin_gameservers.models import ServerRow
from muntin_gameservers.schemas import CommandIn, PowerIn
from muntin_gameservers.servers.power import send_command, set_power
from muntin_node.fanout import FanoutClosed

FIRST_LINES = 100
MESSAGES, WITHIN_S = 30, 10.0


@guarded("control.console", on=ServerRow)
async def watch_console(actor: Actor, server: ServerRow, *, call: Call) -> None:
    """Show the console until either side ends it: status, figures, the last lines, then what happens.

    Raises:
        ServerSuspended: Nothing is shown of suspended servers.
    """
    socket = call.socket
    if server.is_suspended:
        raise ServerSuspended
    if socket is None:
        raise NotFound
    call.watching = ("server", server.id)
    await socket.accept()
    async with hub.watching(server) as upstream:
        await _greet(socket, upstream)
        await View(actor, server, socket, upstream).run()


async def _greet(socket: Socket, upstream: Upstream) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            await upstream.heard.wait()
    await socket.send(frame_text("status", status=upstream.status))
    if upstream.is_away or not upstream.heard.is_set():
        await socket.send(frame_text("error", code="node_unreachable", message="The node does not answer."))
    if upstream.install_lines:
        await socket.send(frame_text("install_output", message="\n".join(upstream.install_lines)))
    if upstream.stats:
        await socket.send(frame_text("stats", **upstream.stats))


class View:
    """One open socket."""

    def __init__(self, actor: Actor, server: ServerRow, socket: Socket, upstream: Upstream) -> None:
        self._actor = actor
        self._server = server
        self._socket = socket
        self._upstream = upstream
        self._lines = upstream.lines.subscribe(history=FIRST_LINES)
        self._signals = upstream.signals.subscribe()
        self._pace = Pace(messages=MESSAGES, within_s=WITHIN_S)

    async def run(self) -> None:
        """Send and receive side by side; the first to end ends both."""
        tasks = [asyncio.create_task(work) for work in (self._send_lines(), self._send_signals(), self._receive())]
        try:
            done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            self._lines.close()
            self._signals.close()

    async def _send_lines(self) -> None:
        cache = self._upstream.encoded
        try:
            while True:
                batch = await self._lines.next_batch()
                if batch.skipped:
                    await self._socket.send(skipped_text(batch))
                await self._socket.send(cache.get(batch))
        except FanoutClosed:
            return

    async def _send_signals(self) -> None:
        try:
            while True:
                for frame in (await self._signals.next_batch()).lines:
                    await self._socket.send(frame)
        except FanoutClosed:
            return

    async def _receive(self) -> None:
        while True:
            message = await self._socket.receive()
            if self._pace.is_exceeded():
                self._socket.end(FLOOD, "too_many_messages")
                return
            try:
                await self._act(_read(message))
            except MuntinError as error:
                await self._socket.send(frame_text("error", code=error.code, message=error.message))

    async def _act(self, frame: Mapping[str, Any]) -> None:
        match frame.get("type"):
            case "command":
                wanted = validate(CommandIn, {"command": frame.get("command")})
                await send_command(self._actor, self._server.id, command=wanted.command)
            case "power":
                power = validate(PowerIn, {"action": frame.get("action")})
                await set_power(self._actor, self._server.id, action=power.action)
            case "logs":
                self._rewind(frame)
            case "ping":
                await self._socket.send(frame_text("pong", id=frame.get("id")))
            case "auth":
                pass  # the panel ends the socket itself when the credential ends; nothing to renew
            case unknown:
                raise InvalidInput.of("type", f"{unknown!r} is not a type of message.")

    def _rewind(self, frame: Mapping[str, Any]) -> None:
        """Show lines again: the last so many, or those after a number the client has seen."""
        since, lines = frame.get("since"), frame.get("lines", FIRST_LINES)
        if isinstance(since, int):
            lines = sum(number_of(one) > since for one in self._upstream.lines.history(1000))
        if not isinstance(lines, int) or not 0 <= lines <= 1000:
            raise InvalidInput.of("lines", "Ask for 1 to 1000 lines.")
        self._lines.rewind(lines)


def _read(message: str | bytes) -> Mapping[str, Any]:
    if len(message) > 4096:
        raise InvalidInput.of("body", "A message has at most 4096 bytes.")
    try:
        frame = orjson.loads(message)
    except orjson.JSONDecodeError:
        frame = None
    if not isinstance(frame, dict):
        raise InvalidInput.of("body", "Send JSON objects with a type.")
    return frame


async def look_again_at(panel: Panel, data: Json) -> None:
    """End the sockets of those who may not watch a server any more, and follow one that moved; data names it."""
    server_id = UUID(str(data["server_id"])) if isinstance(data, dict) else UUID(int=0)
    await hub.look_again(server_id)
    watching = [
        one
        for one in panel.connections.open
        if isinstance(one, Socket) and one.call and one.call.watching == ("server", server_id)
    ]
    server = await ServerRow.get_or_none(id=server_id) if watching else None
    for socket in watching:
        code, reason = await _refusal(server, socket.call.actor if socket.call else Actor.anonymous())
        if code:
            socket.end(code, reason)


async def _refusal(server: ServerRow | None, actor: Actor) -> tuple[int, str]:
    if server is None or not await ServerRow.visible_to(actor).filter(id=server.id).exists():
        return 4404, "server_gone"
    if server.is_suspended:
        return 4409, "server_suspended"
    if not actor.may("control.console", within=await server.rights_of(actor)):
        return 4403, "permission_lost"
    return 0, ""
