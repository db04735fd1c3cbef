"""One child process, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable

from muntin.supervisor.plan import ChildPlan
from muntin.supervisor.wire import (
    BEAT,
    CONTROL_VARIABLE,
    MAX_LINE_BYTES,
    NAME_VARIABLE,
    PARENT_VARIABLE,
    READY,
    SOCKET_VARIABLE,
)

SETTLE_S = 0.5
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl

Notice = Callable[["Process", str, str], None]  # (process, verb, rest of the line)


class Process:
    """A started child. `ready` and `exited` are set once each."""

    def __init__(self, name: str, plan: ChildPlan, process: asyncio.subprocess.Process, control_fd: int) -> None:
        self.name = name
        self.plan = plan
        self.pid = process.pid
        self.started_at_s = time.monotonic()
        self.last_beat_s: float | None = None
        self.ready = asyncio.Event()
        self.exited = asyncio.Event()
        self.exit_code: int | None = None
        self._process = process
        self._control_fd = control_fd
        self._rest = b""
        self._reaper = asyncio.create_task(self._reap(), name=f"reap-{name}")

    @classmethod
    async def start(cls, name: str, plan: ChildPlan, *, socket_fd: int | None, notice: Notice) -> Process:
        """Start the command; it dies with this process, however that ends.

        Raises:
            OSError: The command cannot be started.
        """
        read_fd, write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            passed = [write_fd, socket_fd] if plan.takes_socket and socket_fd is not None else [write_fd]
            process = await asyncio.create_subprocess_exec(
                *plan.command,
                stdin=asyncio.subprocess.DEVNULL,
                env=_environment(name, plan, write_fd, socket_fd),
                pass_fds=passed,
                start_new_session=True,  # Ctrl-C in a terminal reaches the supervisor alone, which stops all in order
                preexec_fn=_tie_to(os.getpid()),
            )
        except BaseException:
            os.close(read_fd)
            raise
        finally:
            os.close(write_fd)
        started = cls(name, plan, process, read_fd)
        asyncio.get_running_loop().add_reader(read_fd, started._read, notice)
        return started

    async def wait_ready(self) -> bool:
        """Whether it became ready in its time."""
        if not self.plan.says_ready:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.exited.wait(), SETTLE_S)
            return not self.exited.is_set()
        await first_of(self.ready, self.exited, timeout_s=self.plan.ready_s)
        return self.ready.is_set() and not self.exited.is_set()

    def send_signal(self, number: signal.Signals) -> None:
        """Pass a signal on, if it still runs."""
        if not self.exited.is_set():
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def stop(self) -> None:
        """SIGTERM, time to drain, SIGKILL."""
        self.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.exited.wait(), self.plan.drain_s)
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.send_signal(signal.SIGKILL)
        await self.exited.wait()

    async def _reap(self) -> None:
        self.exit_code = await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._control_fd)
        os.close(self._control_fd)
        self.exited.set()

    def _read(self, notice: Notice) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._control_fd, 65536)
            if not data:
                asyncio.get_running_loop().remove_reader(self._control_fd)
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._rest = self._rest[:MAX_LINE_BYTES]
            for line in lines:
                verb, _, rest = line.decode(errors="replace").partition(" ")
                self._take(verb, rest, notice)

    def _take(self, verb: str, rest: str, notice: Notice) -> None:
        if verb == BEAT:
            self.last_beat_s = time.monotonic()
            return
        if verb == READY:
            self.ready.set()
        notice(self, verb, rest)


async def first_of(*events: asyncio.Event, timeout_s: float | None = None) -> bool:
    """Wait until one of the events is set; False when none was in time."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)


def _environment(name: str, plan: ChildPlan, control_fd: int, socket_fd: int | None) -> dict[str, str]:
    environment = {
        **os.environ,
        **plan.environment,
        NAME_VARIABLE: name,
        CONTROL_VARIABLE: str(control_fd),
        PARENT_VARIABLE: str(os.getpid()),
    }
    if plan.takes_socket and socket_fd is not None:
        environment[SOCKET_VARIABLE] = str(socket_fd)
    return environment


def _tie_to(parent_pid: int) -> Callable[[], None]:
    """What the child does before its program begins: ask for SIGTERM when its parent is gone, however it went."""

    def tie() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_pid:  # it went in this very moment
            os._exit(1)

    return tie
