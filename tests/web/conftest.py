"""The harness on a free port, Chromium, and a page that notes everything that must never happen."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from playwright.async_api import Browser, BrowserContext
from quart import Quart

from muntin.testing.browsing import REMEMBER_VIOLATIONS, Watched, chromium

from .fake_server import FakeServer
from .harness import create_harness


@dataclass
class Harness:
    """The running app, where it listens, and its made-up server."""

    app: Quart
    url: str

    @property
    def fake(self) -> FakeServer:
        return self.app.extensions["fake"]  # type: ignore[no-any-return]

    @property
    def saved(self) -> list[dict[str, Any]]:
        return self.app.extensions["saved"]  # type: ignore[no-any-return]

    def reset(self) -> None:
        """A fresh made-up server; sockets of earlier pages are gone with their pages."""
        self.fake.__init__()  # type: ignore[misc]
        self.fake.lines.extend(f"[boot] line {number}" for number in range(1, 41))
        self.saved.clear()


@pytest.fixture(scope="session")
async def harness() -> AsyncIterator[Harness]:
    listener = socket.create_server(("127.0.0.1", 0))  # whoever connects early waits in its queue
    port = listener.getsockname()[1]
    app, stop, config = create_harness(), asyncio.Event(), Config()
    config.bind, config.graceful_timeout = [f"fd://{listener.detach()}"], 0.1
    server = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    yield Harness(app, f"http://127.0.0.1:{port}")
    stop.set()
    await server


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC")
    yield context
    await context.close()


@pytest.fixture
async def watched(harness: Harness, context: BrowserContext) -> AsyncIterator[Watched]:
    """A page; the test fails when anything on it complained."""
    harness.reset()
    context.set_default_timeout(30_000)
    await context.add_init_script(REMEMBER_VIOLATIONS)
    watched = Watched(await context.new_page(), harness.url)
    yield watched
    assert watched.problems == []
