"""Processes of the benches' own."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.bench.run import REPOSITORY


@asynccontextmanager
async def module(name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m tests.bench.<name>`, and stop it afterwards; its output can be read."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.bench.{name}", *arguments, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def listens(port: int, *, timeout_s: float = 20.0) -> None:
    """Wait until somebody does."""
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return
