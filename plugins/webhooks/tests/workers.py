"""Workers in processes of their own."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

from muntin.configuration import Configuration

PROGRAM = Path(__file__).with_name("worker_program.py")


async def start_worker(configuration: Configuration) -> asyncio.subprocess.Process:
    """A worker that is ready, on the store of the panel of this test."""
    key = "a-key-for-tests-0123456789abcdef"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), configuration.store_url, str(configuration.data_dir), key,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
    return process


async def kill(process: asyncio.subprocess.Process) -> None:
    """`kill -9`."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    await process.wait()
