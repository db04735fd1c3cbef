"""A real browser for tests of pages, which notices everything that must never happen on one.

Needs `playwright` and Chromium at `CHROMIUM`; axe is what `make assets` installed.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from muntin.pages.assets import CORE_ASSETS

expect.set_options(timeout=30_000)  # ms; what comes true later on a busy machine comes true

CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
AXE = CORE_ASSETS.parents[1] / "web/node_modules/axe-core/axe.min.js"
REMEMBER_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""
RUN_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}"""
OVERFLOW = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && (box.right > innerWidth + 1 || box.left < -1) && !one.closest(
    ".m-table-wrap, .m-tabs, .xterm, .cm-editor, pre, .visually-hidden, [popover], .m-skip, .uplot");
}).slice(0, 5).map((one) => one.outerHTML.slice(0, 120))"""


@dataclass
class Watched:
    """A page with what went wrong on it, and what it asked for.

    Attributes:
        url: Of the panel.
        problems: Console errors and warnings, uncaught errors, violations of the policy, requests to other hosts.
        asked: Paths, in order.
        elsewhere: Other addresses it may go to, such as a sign-in provider's.
    """

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    elsewhere: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.page.on(
            "console", lambda one: self.problems.append(one.text) if one.type in {"error", "warning"} else None
        )
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("request", lambda one: self._note(one.url))

    def _note(self, url: str) -> None:
        self.asked.append(url.removeprefix(self.url))
        if not url.startswith((self.url, "data:", "blob:", *self.elsewhere)):
            self.problems.append(f"request to {url}")

    async def open(self, path: str) -> Page:
        """Go to a page of the panel."""
        await self.page.goto(self.url + path)
        return self.page

    @contextmanager
    def refused(self, status: int) -> Iterator[None]:
        """Whatever the browser notes of refused requests in the block is expected."""
        yield
        self.problems = [one for one in self.problems if f"responded with a status of {status}" not in one]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless browser; the test is skipped where there is none, and fails where CI says that all must run."""
    if not (CORE_ASSETS / "manifest.json").is_file():
        missing("the page assets are not built; run `make assets`")
    if not HAS_CHROMIUM:
        missing(f"Chromium is not installed at {CHROMIUM}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


async def sign_in(page: Page, url: str, login: str, password: str) -> None:
    """Sign in with the form of the panel at this address; the page that comes after it is there."""
    await page.goto(f"{url}/sign-in")
    await page.fill("main [name=email]", login)
    await page.fill("main [name=password]", password)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def findings(page: Page) -> list[str]:
    """What axe calls serious or critical, and what sticks out of the window."""
    if not AXE.is_file():
        missing("axe-core is not installed; run `make assets` with Node.js at hand")
    await page.evaluate(AXE.read_text())
    return [*await page.evaluate(RUN_AXE), *await page.evaluate(OVERFLOW)]


def missing(reason: str) -> None:
    """A browser test may be left out on a small machine, never where CI says that all must run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
