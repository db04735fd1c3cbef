"""One websocket: what comes in, what goes out, and under which token."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from quart import websocket

from muntin_gameservers.contract import PowerAction
from muntin_gameservers.node.servers.channel import Subscription
from muntin_gameservers.node.servers.errors import NotRunning, ServerSuspended
from muntin_gameservers.node.servers.frames import (
    CONSOLE_OUTPUT,
    INSTALL_OUTPUT,
    frame,
    parsed,
    single_frames,
)
from muntin_gameservers.node.servers.server import Server
from muntin_gameservers.node.sockets.credentials import Credentials
from muntin_gameservers.node.sockets.rates import KNOWN_EVENTS, RateLimits
from muntin_node.errors import Forbidden, NodeError, TokenRefused
from muntin_node.fanout import Batch, Fanout, FanoutClosed, Viewer
from muntin_node.tokens import BAD_SIGNATURE, MALFORMED

if TYPE_CHECKING:
    from muntin_gameservers.node.half import GameServers

log = logging.getLogger(__name__)
FRAME_BOUND_BYTES = 4096
SEND_PATIENCE_S = 30.0
CHECK_INTERVAL_S = 1.0
EXPIRING_INTERVAL_S = 30.0
FIRST_TOKEN_GRACE_S = 10.0  # without a token for so long a socket is closed
RENEWAL_GRACE_S = 4.0  # the same after its token stopped to hold; nothing is sent meanwhile
GENERIC_ERROR = "An unexpected error was encountered while handling this request."
GOING_AWAY, TOO_BIG, TOO_SLOW, NOT_AUTHORISED, SUSPENDED = 1001, 1009, 1013, 4401, 4409
POWER_PERMISSIONS = {
    "start": "control.start",
    "stop": "control.stop",
    "restart": "control.restart",
    "kill": "control.stop",
}
EVENT_PERMISSIONS = {
    INSTALL_OUTPUT: "admin.websocket.install",
    "transfer logs": "admin.websocket.transfer",
    "backup completed": "backup.read",
}


async def serve_console(state: GameServers, uuid: str) -> None:
    """Serve the current websocket until it ends.

    Raises:
        Forbidden: The page that opened it is not the panel's.
        ServerUnknown: There is no such server here.
        TooManySockets: 30 are open for it.
    """
    _check_origin(state)
    server = state.fleet.get(uuid)
    socket = ConsoleSocket(state, server, numbered=websocket.args.get("muntin") == "1")
    state.sockets.add(uuid, socket)
    try:
        await websocket.accept()
        await socket.serve()
    finally:
        state.sockets.discard(uuid, socket)


def _check_origin(state: GameServers) -> None:
    origin, config = websocket.headers.get("Origin", ""), state.context.config
    if not origin or (origin != config.remote and not {origin, "*"} & set(config.allowed_origins)):
        raise Forbidden("This origin may not open websockets here.")


class ConsoleSocket:
    """Pumps run from the first valid token on; each ends the socket when its source is gone.

    Args:
        numbered: muntin's form: console lines in numbered batches, and `send logs` resumes behind a number.
    """

    def __init__(self, state: GameServers, server: Server, *, numbered: bool) -> None:
        self._state = state
        self._server = server
        self._numbered = numbered
        self._credentials = Credentials(state.context.tokens, server.uuid)
        self._rates = RateLimits()
        self._sending = asyncio.Lock()
        self._recheck = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()
        self._console_pump: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._complained = False
        self._address = websocket.remote_addr or ""

    @property
    def user_uuid(self) -> str:
        """Whose token it brought."""
        return self._credentials.user_uuid

    def recheck_soon(self) -> None:
        """Look at the token now instead of within a second."""
        self._recheck.set()

    async def serve(self) -> None:
        """Read until the client leaves or something closes the socket."""
        if self._server.is_suspended:
            await websocket.close(SUSPENDED, "the server is suspended")
            return
        self._spawn(self._read())
        self._spawn(self._watch_token())
        try:
            code = await self._closing
            await websocket.close(code)
        finally:
            for task in tuple(self._pumps):
                task.cancel()
            await asyncio.gather(*self._pumps, return_exceptions=True)

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(self._guarded(work))
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)
        return task

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except FanoutClosed:
            self._close(GOING_AWAY)
        except TimeoutError:
            self._close(TOO_SLOW)

    def _close(self, code: int) -> None:
        if not self._closing.done():
            self._closing.set_result(code)

    async def _send(self, *frames: str) -> None:
        async with self._sending, asyncio.timeout(SEND_PATIENCE_S):
            for text in frames:
                await websocket.send(text)

    # --- what comes in

    async def _read(self) -> None:
        while True:
            received = await websocket.receive()
            if len(received) > FRAME_BOUND_BYTES:
                self._close(TOO_BIG)
                return
            message = parsed(received) if isinstance(received, str) else None
            if message is not None:
                await self._handle(message.event, message.args)

    async def _handle(self, event: str, args: list[str]) -> None:
        if event not in KNOWN_EVENTS:
            return
        limit = self._rates.exceeded(event)
        if limit is not None:
            await self._send(frame("throttled", limit))
            return
        try:
            if event == "auth":
                await self._authenticate("".join(args))
                return
            self._credentials.check()
            await self._handlers[event]("".join(args))
        except TokenRefused as error:
            await self._send(frame("jwt error", error.reason))
        except NodeError as error:
            await self._send_error(str(error))

    @property
    def _handlers(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {
            "set state": self._set_state,
            "send command": self._send_command,
            "send logs": self._send_logs,
            "send stats": self._send_stats,
        }

    async def _authenticate(self, token: str) -> None:
        is_first = self._credentials.is_first
        try:
            self._credentials.accept(token)
        except TokenRefused as error:
            kind = "daemon error" if error.reason in (BAD_SIGNATURE, MALFORMED) else "jwt error"
            text = error.reason if kind == "jwt error" else GENERIC_ERROR
            await self._send(frame(kind, f"Error Event [{uuid4()}]: {text}"))
            return
        self._complained = False
        await self._send(frame("auth success"))
        if is_first:
            await self._greet()

    async def _greet(self) -> None:
        self._spawn(self._pump_events(self._server.channel.subscribe()))
        self._spawn(self._pump_lines(self._server.install_output, INSTALL_OUTPUT, self._install_seen()))
        self._follow_console(self._server.console.fanout.subscribe())
        await self._send_event("status", self._server.state)
        is_idle = self._server.installation is None and not self._server.is_transferring
        if self._server.state == "offline" and is_idle:
            await self._send_stats("")

    async def _set_state(self, action: str) -> None:
        permission = POWER_PERMISSIONS.get(action)
        if permission is None or not self._credentials.check().may(permission):
            return
        if action in ("start", "restart") and self._server.is_suspended:
            raise ServerSuspended
        self._server.host.require_engine()
        self._note(f"server:power.{action}")
        self._server.host.spawn(self._act(cast(PowerAction, action)), f"{action} of {self._server.uuid} by socket")

    async def _act(self, action: PowerAction) -> None:
        try:
            await self._server.power.perform(action, wait_s=0)
        except NodeError as error:
            if not self._closing.done():
                await self._send_error(str(error))

    async def _send_command(self, line: str) -> None:
        if not self._credentials.check().may("control.console"):
            return
        try:
            self._server.send_command(line)
        except NotRunning:
            return
        self._note("server:console.command", command=line)

    async def _send_logs(self, last_seq: str) -> None:
        console = self._server.console
        if self._numbered:
            seen = int(last_seq) if last_seq.isascii() and last_seq.isdigit() and len(last_seq) < 19 else None
            self._follow_console(console.resume(seen))
        elif self._server.state != "offline":
            lines = console.fanout.history(self._state.context.config.system.websocket_log_count)
            await self._send(*(frame(CONSOLE_OUTPUT, line) for line in lines))

    async def _send_stats(self, _: str) -> None:
        await self._send_event("stats", self._server.current_usage().model_dump_json())

    def _note(self, event: str, **metadata: str) -> None:
        self._state.activity.note(
            event, server=self._server.uuid, user=self.user_uuid, address=self._address, **metadata
        )

    # --- what goes out

    async def _send_event(self, name: str, *args: str) -> None:
        if self._may_receive(name):
            await self._send(frame(name, *args))

    def _may_receive(self, event: str) -> bool:
        try:
            claims = self._credentials.check()
        except TokenRefused:
            self._recheck.set()
            return False
        permission = EVENT_PERMISSIONS.get(event)
        return permission is None or claims.may(permission)

    async def _send_error(self, text: str) -> None:
        shown = text if self._may_receive("") and self._credentials.check().may("admin.websocket.errors") else ""
        await self._send(frame("daemon error", f"Error Event [{uuid4()}]: {shown or GENERIC_ERROR}"))

    async def _pump_events(self, events: Subscription) -> None:
        try:
            while (event := await events.next()) is not None:
                if event.name == "suspended":
                    self._close(SUSPENDED)
                    return
                await self._send_event(event.name, *event.args)
        finally:
            events.close()
        self._close(GOING_AWAY)

    def _follow_console(self, viewer: Viewer) -> None:
        if self._console_pump is not None:
            self._console_pump.cancel()
        encode = self._server.console.numbered.get if self._numbered else self._server.console.single.get
        self._console_pump = self._spawn(self._pump_viewer(viewer, CONSOLE_OUTPUT, encode))

    def _install_seen(self) -> int | None:
        """The last line before the install under way, so that it is shown from its start."""
        return None if self._server.installation is None else self._server.install_began - 1

    async def _pump_lines(self, source: Fanout, event: str, after_seq: int | None = None) -> None:
        await self._pump_viewer(source.subscribe(after_seq=after_seq), event, lambda batch: single_frames(event, batch))

    async def _pump_viewer(self, viewer: Viewer, event: str, encode: Callable[[Batch], tuple[str, ...]]) -> None:
        try:
            while True:
                batch = await viewer.next_batch()
                if self._may_receive(event):
                    if batch.skipped:
                        await self._send(self._skipped(event, batch))
                    await self._send(*encode(batch))
        finally:
            viewer.close()

    def _skipped(self, event: str, batch: Batch) -> str:
        if self._numbered and event == CONSOLE_OUTPUT:
            return frame("console skipped", str(batch.skipped), seq=batch.from_seq)
        return frame(event, f"[{batch.skipped} lines were left out because this connection is slow]")

    # --- the token

    async def _watch_token(self) -> None:
        """Complain once about a token that no longer holds, and close the socket if no better one comes."""
        loop = asyncio.get_running_loop()
        valid_at_s, warned_at_s = loop.time(), float("-inf")
        while loop.time() - valid_at_s < (FIRST_TOKEN_GRACE_S if self._credentials.is_first else RENEWAL_GRACE_S):
            try:
                self._credentials.check()
                valid_at_s = loop.time()
                if self._credentials.is_expiring and loop.time() - warned_at_s >= EXPIRING_INTERVAL_S:
                    warned_at_s = loop.time()
                    await self._send(frame("token expiring"))
            except TokenRefused as error:
                if not self._credentials.is_first and not self._complained:
                    self._complained = True
                    await self._send(frame("jwt error", error.reason))
            await self._wait_for_recheck()
        self._close(NOT_AUTHORISED)

    async def _wait_for_recheck(self) -> None:
        try:
            async with asyncio.timeout(CHECK_INTERVAL_S):
                await self._recheck.wait()
        except TimeoutError:
            return
        self._recheck.clear()
        await asyncio.sleep(0.05)  # a token that stays refused is looked at a few times a second, not in a spin
