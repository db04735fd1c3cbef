"""Child processes of halves: each in a session of its own, with limits, and none left when the agent ends.

A program cannot outlive the agent: it asks the kernel for SIGKILL when its parent dies, its process group is
killed when its first process ends, and what fled into other sessions is found by a mark in its environment (the
agent adopts orphans) and killed as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from muntin_node import launch, orphans
from muntin_node.errors import Conflict, Unavailable
from muntin_node.lines import LineSplitter

log = logging.getLogger(__name__)

MARK = "MUNTIN_NODE_PROCESS"
READ_BYTES = 65_536
MAX_PENDING_INPUT_BYTES = 65_536
KILL_TIMEOUT_S = 10.0
OUTPUT_TIMEOUT_S = 1.0
SWEEP_INTERVAL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of every process of a program (setrlimit); None leaves the agent's own.

    Attributes:
        processes: Counts all processes of the same user, so it wants a user per program.
    """

    memory_bytes: int | None = None  # address space
    cpu_s: int | None = None
    open_files: int | None = None
    processes: int | None = None
    file_bytes: int | None = None
    core_bytes: int | None = 0

    def by_name(self) -> dict[str, int]:
        """As `resource` names them."""
        pairs = {
            "RLIMIT_AS": self.memory_bytes,
            "RLIMIT_CPU": self.cpu_s,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_FSIZE": self.file_bytes,
            "RLIMIT_CORE": self.core_bytes,
        }
        return {name: limit for name, limit in pairs.items() if limit is not None}


class Process:
    """A program that was started; made by `Processes.start`."""

    def __init__(self, child: subprocess.Popen[bytes], mark: str, on_line: Callable[[str], None] | None) -> None:
        self.pid = child.pid
        self.mark = mark
        self._child = child
        self._pidfd = os.pidfd_open(child.pid)
        self._on_line = on_line
        self._lines = LineSplitter()
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._output_ended = self._loop.create_future()
        self._pending_input = bytearray()
        self._reaped = False
        self._loop.add_reader(self._pidfd, self._first_process_ended)
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
        if child.stdout is not None:
            self._loop.add_reader(child.stdout.fileno(), self._read_output)

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number if one ended it; 127 if it could not be started."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Wait for the end, the last line of output and the end of all it started; answers the `returncode`."""
        code: int = await asyncio.shield(self._ended)
        return code

    def write(self, text: str) -> None:
        """Give text to its standard input (add the line end yourself). Never waits.

        Raises:
            Conflict: It does not read: over 64 KiB wait already.
            Unavailable: It has ended, or was started without standard input.
        """
        if self._child.stdin is None or self._child.stdin.closed or self._reaped:
            raise Unavailable("The process does not take input.")
        raw = text.encode("utf-8", "replace")
        if len(self._pending_input) + len(raw) > MAX_PENDING_INPUT_BYTES:
            raise Conflict("The process does not read its input.")
        self._pending_input += raw
        self._write_input()

    def send_signal(self, number: int) -> None:
        """Send a signal to the first process; nothing happens if it has ended."""
        if not self._reaped:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def stop(self, number: int = signal.SIGTERM, *, timeout_s: float = 30.0) -> int:
        """Send a signal, wait, and kill what is still there after `timeout_s`; answers the `returncode`."""
        self.send_signal(number)
        try:
            return await asyncio.wait_for(self.wait(), timeout_s)
        except TimeoutError:
            self.kill()
            return await asyncio.wait_for(self.wait(), KILL_TIMEOUT_S)

    def kill(self) -> None:
        """SIGKILL to its whole process group."""
        if not self._reaped:  # so the group's number is still its own
            _kill_group(self.pid)

    def _first_process_ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        _kill_group(self.pid)  # before it is reaped: its number cannot belong to somebody else yet
        code = self._child.wait()
        self._reaped = True
        os.close(self._pidfd)
        self._close_input()
        self._finishing = self._loop.create_task(self._finish(code))

    async def _finish(self, code: int) -> None:
        if not await orphans.end_marked(MARK, self.mark):
            log.error("processes that fled from process %d could not be ended", self.pid)
        if self._child.stdout is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._output_ended), OUTPUT_TIMEOUT_S)
            self._end_output()
        self._ended.set_result(code)

    def _read_output(self) -> None:
        assert self._child.stdout is not None  # noqa: S101 - only registered for a pipe
        try:
            chunk = os.read(self._child.stdout.fileno(), READ_BYTES)
        except BlockingIOError:
            return
        for line in self._lines.feed(chunk):
            self._tell(line)
        if not chunk:
            self._end_output()

    def _end_output(self) -> None:
        if self._output_ended.done() or self._child.stdout is None:
            return
        self._loop.remove_reader(self._child.stdout.fileno())
        self._child.stdout.close()
        for line in self._lines.end():
            self._tell(line)
        self._output_ended.set_result(None)

    def _tell(self, line: str) -> None:
        if self._on_line is None:
            return
        try:
            self._on_line(line)
        except Exception:  # a half's code: its failure must not stop the reading
            log.exception("the line callback of process %d failed", self.pid)

    def _write_input(self) -> None:
        stream = self._child.stdin
        if stream is None or stream.closed:
            return
        try:
            written = os.write(stream.fileno(), self._pending_input) if self._pending_input else 0
        except BlockingIOError:
            written = 0
        except BrokenPipeError:
            self._close_input()
            return
        del self._pending_input[:written]
        if self._pending_input:
            self._loop.add_writer(stream.fileno(), self._write_input)
        else:
            self._loop.remove_writer(stream.fileno())

    def _close_input(self) -> None:
        self._pending_input.clear()
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._loop.remove_writer(self._child.stdin.fileno())
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.close()


class Processes:
    """Starts programs and ends those that are left when the agent ends. One per agent."""

    def __init__(self) -> None:
        self._running: set[Process] = set()
        self._closed = False

    async def start(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        uid: int | None = None,
        gid: int | None = None,
        limits: Limits | None = None,
        stdin: bool = False,
        on_line: Callable[[str], None] | None = None,
    ) -> Process:
        """Start a program; its own environment only, no shell, no new privileges.

        Args:
            argv: The program (looked up in `env`'s PATH) and its arguments.
            uid, gid: Who it runs as; wants the agent to be root.
            stdin: Whether `Process.write` is wanted; otherwise it reads an empty input.
            on_line: Called on the loop with each line of output and errors, cut at 64 KiB. Without it both are
                thrown away.

        Raises:
            Unavailable: The agent is shutting down, or has no process or descriptor left.
        """
        if self._closed:
            raise Unavailable("The agent is shutting down.")
        orphans.adopt()
        mark = uuid.uuid4().hex
        order = {
            "argv": list(argv),
            "cwd": str(cwd),
            "env": {**env, MARK: mark},
            "uid": uid,
            "gid": gid,
            "limits": (limits or Limits()).by_name(),
            "parent": os.getpid(),
        }
        process = Process(_spawn(order, stdin=stdin, output=on_line is not None), mark, on_line)
        self._running.add(process)
        process._ended.add_done_callback(lambda _: self._running.discard(process))  # made right here
        return process

    @property
    def running(self) -> tuple[Process, ...]:
        """What runs now."""
        return tuple(self._running)

    async def sweep(self) -> None:
        """Reap adopted processes that have ended, every 10 s until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            orphans.reap(spared={process.pid for process in self._running})

    async def close(self, *, timeout_s: float = 10.0) -> None:
        """SIGTERM to all, SIGKILL to those left after `timeout_s`, then to everything with our mark."""
        self._closed = True
        await asyncio.gather(*(process.stop(timeout_s=timeout_s) for process in self.running))
        await orphans.end_marked(MARK)


def _spawn(order: Mapping[str, object], *, stdin: bool, output: bool) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE if output else subprocess.DEVNULL
    paper = os.memfd_create("order", os.MFD_CLOEXEC)  # not an argument: others can read those
    try:
        os.write(paper, json.dumps(order).encode())
        os.lseek(paper, 0, os.SEEK_SET)
        command = [sys.executable, "-I", "-S", str(launch.__file__), str(paper)]
        return subprocess.Popen(  # noqa: S603 - an argument list, no shell
            command,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.STDOUT if output else subprocess.DEVNULL,
            bufsize=0,
            env={},
            pass_fds=(paper,),
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"The process cannot be started: {error.strerror}.") from error
    finally:
        os.close(paper)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
