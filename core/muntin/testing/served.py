"""A panel as its users have it: `muntin up` in processes of its own, asked over real sockets."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from muntin.testing.free_ports import free_port

EMAIL = "admin@example.com"
READY_S = 100.0
STOP_S = 40.0


@dataclass(slots=True)
class ServedPanel:
    """A running panel.

    Attributes:
        client: Speaks the native API as the administrator.
        environment: What the panel was started with, for commands beside it.
        log: Everything it wrote.
    """

    url: str
    environment: Mapping[str, str]
    password: str
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    log: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client with the administrator's session cookie, for pages."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, follow_redirects=True, timeout=20) as client:
            form = await client.get("/sign-in")
            found = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
            token = found.group(1) if found else ""
            fields = {"email": EMAIL, "password": self.password, "csrf_token": token}
            await client.post("/sign-in", data=fields, headers={"Origin": self.url})
            yield client


@asynccontextmanager
async def served_panel(data_dir: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[ServedPanel]:
    """Start `muntin up` on free ports with an administrator, wait until it is ready, stop it afterwards.

    Raises:
        RuntimeError: It did not become ready; the message holds what it wrote.
    """
    ports = [free_port() for _index in range(3)]
    password = secrets.token_urlsafe(12)
    own = {
        "MUNTIN_DATA_DIR": str(data_dir),
        "MUNTIN_BIND": f"127.0.0.1:{ports[0]}",
        "MUNTIN_NODE_BIND": f"127.0.0.1:{ports[1]}",
        "MUNTIN_NODE_SFTP_BIND": f"127.0.0.1:{ports[2]}",
        "MUNTIN_ADMIN_EMAIL": EMAIL,
        "MUNTIN_ADMIN_PASSWORD": password,
        "MUNTIN_LOCAL_NODE": "never",
        **(environment or {}),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "muntin.cli",
        "up",
        env={**os.environ, **own},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    url = f"http://{own['MUNTIN_BIND']}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        panel = ServedPanel(url, own, password, process, client)
        reading = asyncio.create_task(_read(panel))
        try:
            await _ready(panel)
            await _sign_in(panel)
            yield panel
        finally:
            await _stop(process)
            await reading


async def _read(panel: ServedPanel) -> None:
    assert panel.process.stdout is not None  # noqa: S101 - it was started with a pipe
    async for line in panel.process.stdout:
        panel.log.append(line.decode("utf-8", "replace").rstrip())


async def _ready(panel: ServedPanel) -> None:
    try:
        async with asyncio.timeout(READY_S):
            while not any("muntin is ready" in line for line in panel.log):
                if panel.process.returncode is not None:
                    raise TimeoutError
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise RuntimeError("The panel did not become ready:\n" + "\n".join(panel.log[-40:])) from None


async def _sign_in(panel: ServedPanel) -> None:
    body = {"email": EMAIL, "password": panel.password}
    answer = await panel.client.post("/api/v1/auth/login", json=body)
    answer.raise_for_status()
    panel.client.headers["Authorization"] = f"Bearer {answer.json()['data']['access_token']}"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
