"""The harness on a free port, Chromium, and a page that notes everything that must never happen."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from quart import Quart

from muntin.pages.assets import CORE_ASSETS

from .fake_server import FakeServer
from .harness import create_harness

expect.set_options(timeout=30_000)  # ms; what comes true later on a busy machine comes true

CHROMIUM = "/usr/bin/chromium"
HAS_CHROMIUM = Path(CHROMIUM).exists()
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
REMEMBER_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


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


@dataclass
class Watched:
    """A page with what went wrong on it: console errors, uncaught errors, requests to other hosts."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on(
            "console", lambda one: self.problems.append(one.text) if one.type in {"error", "warning"} else None
        )
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("request", lambda one: self._foreign(one.url))

    def _foreign(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.problems.append(f"request to {url}")

    async def open(self, path: str) -> Page:
        await self.page.goto(self.url + path)
        return self.page


@pytest.fixture(scope="session")
async def harness() -> AsyncIterator[Harness]:
    if not (CORE_ASSETS / "manifest.json").is_file():
        _missing("the page assets are not built; run `make assets`")
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
    if not HAS_CHROMIUM:
        _missing("Chromium is not installed at /usr/bin/chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


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
    watched.watch()
    yield watched
    assert watched.problems == []


def _missing(reason: str) -> None:
    """A browser test may be left out on a small machine, never where CI says that all must run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
