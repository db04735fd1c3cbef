"""Commands and other programs in processes of their own that need no second for their imports.

    with open_forks() as forks:
        ended = await forks.run("-m", "muntin.cli", "routes", environment=environment)

A process that has imported the panel forks for each. Everything else is as if Python had been started with these
arguments; use a real start where starting, or signals and threads before it, are the point.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["Ended", "Fork", "Forks", "open_forks"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        code: Its exit code, or the negative number of the signal that ended it.
        said: What it wrote to standard output.
        complained: What it wrote to standard error.
    """

    code: int
    said: str
    complained: str


class Fork:
    """A process.

    Attributes:
        pid: Its id.
    """

    def __init__(self, pid: int, ending: asyncio.Task[int]) -> None:
        self.pid = pid
        self._ending = ending

    @property
    def returncode(self) -> int | None:
        """How it ended; `None` while it runs."""
        return self._ending.result() if self._ending.done() else None

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await asyncio.shield(self._ending)

    def send_signal(self, number: signal.Signals) -> None:
        """Unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # just now
                os.kill(self.pid, number)

    def kill(self) -> None:
        """`kill -9`."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """Where processes are started; `open_forks` makes it."""

    def __init__(self, address: Path) -> None:
        self._address = str(address)

    async def run(
        self, *arguments: str, environment: Mapping[str, str], cwd: Path | None = None, typed: str = ""
    ) -> Ended:
        """Run a program to its end.

        Args:
            arguments: As Python takes them: `"-m", "muntin.cli", "routes"`, or the path of a file.
            environment: All of it; nothing is inherited.
            typed: What it reads from standard input.
        """
        with tempfile.TemporaryFile() as typing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            typing.write(typed.encode())
            typing.seek(0)
            fork = await self._start(arguments, environment, cwd, (typing, out, err))
            code = await fork.wait()
            out.seek(0)
            err.seek(0)
            return Ended(code, out.read().decode(), err.read().decode())

    async def start(
        self, *arguments: str, environment: Mapping[str, str], cwd: Path | None = None, log: Path | None = None
    ) -> Fork:
        """Start a program; what it writes goes to the file `log`, or nowhere."""
        nowhere = Path(os.devnull)
        with nowhere.open("rb") as nothing, (log or nowhere).open("ab") as written:  # noqa: ASYNC230 - at once
            return await self._start(arguments, environment, cwd, (nothing, written, written))

    async def _start(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], cwd: Path | None, files: tuple[IO[bytes], ...]
    ) -> Fork:
        reader, writer = await asyncio.open_unix_connection(self._address)
        order = {"arguments": arguments, "environment": dict(environment), "cwd": str(cwd or Path.cwd())}
        plain = writer.get_extra_info("socket")
        with socket.socket(fileno=os.dup(plain.fileno())) as connection:
            socket.send_fds(connection, [b"\0"], [file.fileno() for file in files])
        writer.write(json.dumps(order).encode() + b"\n")
        pid = int(await reader.readline())
        return Fork(pid, asyncio.create_task(_ending(reader, writer), name=f"fork:{pid}"))


async def _ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    line = await reader.readline()
    writer.close()
    return int(line or -signal.SIGKILL)


@contextmanager
def open_forks() -> Iterator[Forks]:
    """A place to start processes at; those that run when it is left are not ended."""
    with tempfile.TemporaryDirectory(prefix="muntin-forks-") as folder:
        address = Path(folder) / "socket"
        own = {name: value for name, value in os.environ.items() if not name.startswith("MUNTIN_")}
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(address))
            listening.listen(64)
            nursery = subprocess.Popen(  # noqa: S603 - a fixed program
                [sys.executable, "-m", "muntin.testing.forks_nursery", str(listening.fileno())],
                stdin=subprocess.PIPE, env=own, pass_fds=[listening.fileno()],
            )  # fmt: skip
        with nursery:
            yield Forks(address)
            assert nursery.stdin is not None  # noqa: S101 - it was started with a pipe
            nursery.stdin.close()
