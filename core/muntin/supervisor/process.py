"""One child process, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from muntin.supervisor.marker import MarkerFile
from muntin.supervisor.plan import ChildPlan
from muntin.supervisor.wire import (
    BEAT,
    CONTROL_VARIABLE,
    GO_VARIABLE,
    MARKER_VARIABLE,
    MAX_LINE_BYTES,
    NAME_VARIABLE,
    PARENT_VARIABLE,
    READY,
    SOCKET_VARIABLE,
    STALLED,
)

SETTLE_S = 0.5
STUCK_S = 2.5
"""A loop that was seen to stand still and has not beaten for so long does not drain either; it is not waited for."""
HOGGED_CPU_S = 1.0
"""A process that computed for so long since its last beat is not short of a core: something in it lets nobody else run,
not even the thread that would tell of it."""
LOOK_S = 0.1
TICKS = os.sysconf("SC_CLK_TCK")
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGSYS})
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl

Notice = Callable[["Process", str, str], None]  # (process, verb, rest of the line)


class Process:
    """A started child. `ready` and `exited` are set once each."""

    def __init__(
        self,
        name: str,
        plan: ChildPlan,
        process: asyncio.subprocess.Process,
        control_fd: int,
        go_fd: int | None,
        marker: MarkerFile,
    ) -> None:
        self.name = name
        self.plan = plan
        self.pid = process.pid
        self.started_at_s = time.monotonic()
        self.last_beat_s: float | None = None
        self.is_stalled = False  # its loop was seen to stand still, and has not beaten since
        self.ready = asyncio.Event()
        self.exited = asyncio.Event()
        self.exit_code: int | None = None
        self.left_in: tuple[str | None, bool] = (None, False)  # once it ended: in which plugin, and while loading it
        self._process = process
        self._marker = marker
        self._control_fd = control_fd
        self._go_fd = go_fd
        self._rest = b""
        self._cpu_at_beat_s = 0.0
        self._reaper = asyncio.create_task(self._reap(), name=f"reap-{name}")

    @classmethod
    async def start(
        cls, name: str, plan: ChildPlan, *, socket_fd: int | None, notice: Notice, held: bool = False
    ) -> Process:
        """Start the command; it dies with this process, however that ends.

        Args:
            held: It waits for `go` (a command that `waits_for_go`).

        Raises:
            OSError: The command cannot be started.
        """
        read_fd, write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        wait_fd, go_fd = os.pipe2(os.O_CLOEXEC) if held else (None, None)
        marker = MarkerFile()
        given = {CONTROL_VARIABLE: write_fd, GO_VARIABLE: wait_fd, MARKER_VARIABLE: marker.descriptor}
        if plan.takes_socket:
            given[SOCKET_VARIABLE] = socket_fd
        descriptors = {variable: number for variable, number in given.items() if number is not None}
        try:
            process = await asyncio.create_subprocess_exec(
                *plan.command,
                stdin=asyncio.subprocess.DEVNULL,
                env=_environment(name, plan, descriptors),
                pass_fds=tuple(descriptors.values()),
                start_new_session=True,  # Ctrl-C in a terminal reaches the supervisor alone, which stops all in order
                preexec_fn=_tie_to(os.getpid()),
            )
        except BaseException:
            _close(read_fd, go_fd)
            marker.close()
            raise
        finally:
            _close(write_fd, wait_fd)
        started = cls(name, plan, process, read_fd, go_fd, marker)
        asyncio.get_running_loop().add_reader(read_fd, started._read, notice)
        return started

    def go(self) -> None:
        """Let a child that was held go on; its time counts from now."""
        if self._go_fd is not None:
            with contextlib.suppress(BrokenPipeError):  # it died, which is seen elsewhere
                os.write(self._go_fd, b"\n")
            _close(self._go_fd)
            self._go_fd = None
            self.started_at_s = time.monotonic()

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
        """SIGTERM, time to drain, SIGKILL; what hangs has no use for that time."""
        self.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.plan.drain_s):
                await self.kill_when_hanging()
        await self.kill()

    async def kill_when_hanging(self) -> None:
        """Wait for the end; SIGKILL as soon as it hangs.

        A loop that stands still may do so within a transaction, whose lock every other process waits for.
        """
        while not self.exited.is_set():
            if self.is_hanging:
                await self.kill()
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.exited.wait(), LOOK_S)

    async def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.send_signal(signal.SIGKILL)
        await self.exited.wait()

    @property
    def silent_s(self) -> float:
        """How long its loop has not turned; 0 for what never said that it has one."""
        return 0.0 if self.last_beat_s is None else time.monotonic() - self.last_beat_s

    @property
    def is_hanging(self) -> bool:
        """Whether its loop stands still, not merely late on a busy machine, and will hardly go on."""
        return self.silent_s > STUCK_S and (self.is_stalled or self.is_gone)

    @property
    def is_hogged(self) -> bool:
        """Whether a plugin's code computes and lets nothing else run (native code that keeps the interpreter)."""
        is_quiet = self.silent_s > STUCK_S and not self.is_stalled and self.noted is not None
        return is_quiet and self._cpu_s() - self._cpu_at_beat_s > HOGGED_CPU_S

    @property
    def is_gone(self) -> bool:
        """Whether it ended although the system has not said so: one of its threads still waits for a disk."""
        return self._stat()[:1] in (["Z"], ["X"], [])

    @property
    def is_frozen(self) -> bool:
        """Whether somebody halted it (SIGSTOP), or it waits for a disk: then nothing in it is to blame."""
        return self._stat()[:1] in (["T"], ["t"], ["D"])

    @property
    def noted(self) -> str | None:
        """The plugin whose code it was in when it was seen last."""
        return self.left_in[0] if self.exited.is_set() else self._marker.read()[0]

    @property
    def ended_itself(self) -> bool:
        """Whether it ended by what ran in it: it exited or crashed. Killed by somebody, it did not."""
        code = self.exit_code
        return code is not None and (code >= 0 or -code in CRASHES)

    def _stat(self) -> list[str]:
        """What the system says of it, from its state on; nothing when it is gone."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return []

    def _cpu_s(self) -> float:
        """How long it has computed, with all its threads."""
        return sum(map(int, self._stat()[11:13])) / TICKS

    async def _reap(self) -> None:
        self.exit_code = await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._control_fd)
        _close(self._control_fd, self._go_fd)
        self._go_fd = None
        self.left_in = self._marker.read()
        self._marker.close()
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
            self.last_beat_s, self.is_stalled, self._cpu_at_beat_s = time.monotonic(), False, self._cpu_s()
            return
        if verb == STALLED:
            self.is_stalled = True
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


def _environment(name: str, plan: ChildPlan, descriptors: Mapping[str, int]) -> dict[str, str]:
    return {
        **os.environ,
        **plan.environment,
        NAME_VARIABLE: name,
        PARENT_VARIABLE: str(os.getpid()),
        **{variable: str(number) for variable, number in descriptors.items()},
    }


def _close(*descriptors: int | None) -> None:
    for descriptor in descriptors:
        if descriptor is not None:
            os.close(descriptor)


def _tie_to(parent_pid: int) -> Callable[[], None]:
    """What the child does before its program begins: ask for SIGTERM when its parent is gone, however it went."""

    def tie() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_pid:  # it went in this very moment
            os._exit(1)

    return tie
