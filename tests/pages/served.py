"""A panel that is really served, for browsers: its own process, a fresh store, no plugin."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from muntin.testing.free_ports import free_port

EMAIL, PASSWORD = "boss@example.com", "correct horse battery"
STARTS_WITHIN_S = 90.0


@contextlib.asynccontextmanager
async def served_panel(folder: Path) -> AsyncIterator[str]:
    """The address of the panel while the block runs."""
    bind = f"127.0.0.1:{free_port()}"
    url = f"http://{bind}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUNTIN_")} | {
        "MUNTIN_DATA_DIR": str(folder / "data"),
        "MUNTIN_BIND": bind,
        "MUNTIN_URL": url,
        "MUNTIN_PLUGINS": "none",
        "MUNTIN_LOCAL_NODE": "never",
        "MUNTIN_ADMIN_EMAIL": EMAIL,
        "MUNTIN_ADMIN_PASSWORD": PASSWORD,
    }
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "muntin.cli", "up", env=environment, cwd=folder, stdout=log, stderr=log
        )
    try:
        await _answers(url, process, folder / "log")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _answers(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(STARTS_WITHIN_S):
        while True:
            assert process.returncode is None, await asyncio.to_thread(log.read_text)
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(f"{url}/healthz")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
