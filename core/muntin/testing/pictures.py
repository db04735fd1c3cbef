"""Pictures of pages in every look, side by side, for people to look at: what no test can say of a page.

for width, scheme in LOOKS:
    album = Album(browser, panel.url, folder, width, scheme)
    context = await album.context(cookies)
    await album.take_all(context, "/dns /dns/new")
    await context.close()
    await album.sheets()
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize
from playwright.async_api import TimeoutError as TimedOut

__all__ = ["LOOKS", "Album", "Step"]

LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (1440, "light"),
    (390, "dark"),
    (1440, "dark"),
    (390, "light"),
)
"""Width of the window in pixels, and the scheme of colours."""
PHONE_HEIGHT, DESK_HEIGHT = 844, 900
IN_A_ROW = {390: (5, 390, 1500), 1440: (2, 760, 1400)}
"""Width of the window -> pages in a row of a sheet, width of each there, most pixels of a page's height."""
DRAWS_ITSELF_MS = 400
PATIENCE_MS = 10_000
Step = Callable[[Page], Awaitable[object]]
"""What somebody does on a page before the picture is taken."""


@dataclass
class Album:
    """The pictures of pages in one look.

    Attributes:
        url: Of the panel.
        folder: Where the pictures go; it is there.
        only: Parts of names; every page when empty.
        shots: Name and picture of each page so far.
    """

    browser: Browser
    url: str
    folder: Path
    width: int
    scheme: Literal["light", "dark"]
    only: Sequence[str] = ()
    shots: list[tuple[str, bytes]] = field(default_factory=list)

    async def context(self, cookies: Sequence[Any] = ()) -> BrowserContext:
        """A browser in this look, with the session that the cookies hold, or nobody's."""
        height = PHONE_HEIGHT if self.width < 800 else DESK_HEIGHT
        context = await self.browser.new_context(
            base_url=self.url,
            viewport=ViewportSize(width=self.width, height=height),
            color_scheme=self.scheme,
            locale="en-GB",
            timezone_id="UTC",
        )
        context.set_default_timeout(PATIENCE_MS)
        if cookies:
            await context.add_cookies(list(cookies))
        return context

    def wants(self, name: str) -> bool:
        """Whether somebody asked for this one."""
        return not self.only or any(part in name for part in self.only)

    async def take_all(self, context: BrowserContext, paths: str) -> None:
        """A picture of each address; they are separated by blanks."""
        for path in paths.split():
            await self.take(context, path, path)

    async def take(self, context: BrowserContext, name: str, path: str, step: Step | None = None) -> None:
        """A picture of one page, after what the step does there; of how far it came, when a wait of it ended."""
        if not self.wants(name):
            return
        page = await context.new_page()
        await page.goto(path)
        if step is not None:
            try:
                await step(page)
            except TimedOut as error:
                sys.stderr.write(f"{name}: {error}\n")
        await self.keep(page, name)
        await page.close()

    async def keep(self, page: Page, name: str) -> None:
        """A picture of a page as it stands; with a menu or dialog open it is no taller than the window."""
        await page.wait_for_load_state("load")
        await page.wait_for_timeout(DRAWS_ITSELF_MS)
        if not await page.locator("dialog[open], :popover-open").count():
            tall = int(await page.evaluate("document.documentElement.scrollHeight"))
            height = max(PHONE_HEIGHT, min(tall, IN_A_ROW[self.width][2]))
            await page.set_viewport_size({"width": self.width, "height": height})
        shot = await page.screenshot()
        self.shots.append((name, shot))
        file_name = f"{self.width}-{self.scheme}-{name.replace('/', '-').strip('-') or 'start'}.png"
        await asyncio.to_thread((self.folder / file_name.replace("?", "-")).write_bytes, shot)

    async def sheets(self) -> None:
        """Everything seen, several pages on a sheet."""
        in_a_row, shown, _height = IN_A_ROW[self.width]
        per_sheet = in_a_row * (1 if self.width < 800 else 2)
        for number, first in enumerate(range(0, len(self.shots), per_sheet)):
            page = await self.browser.new_page(viewport={"width": in_a_row * (shown + 8), "height": 600})
            await page.set_content(_sheet(self.shots[first : first + per_sheet], shown))
            name = f"sheet-{self.width}-{self.scheme}-{number:02}.png"
            await page.screenshot(path=self.folder / name, full_page=True)
            await page.close()


def _sheet(shots: Sequence[tuple[str, bytes]], width: int) -> str:
    pictures = "".join(
        f"<figure><figcaption>{name}</figcaption><img src='data:image/png;base64,{base64.b64encode(one).decode()}'>"
        "</figure>"
        for name, one in shots
    )
    style = (
        "body{margin:0;display:flex;flex-wrap:wrap;align-items:start;font:13px sans-serif;background:#888}"
        f"figure{{margin:4px;width:{width}px}} img{{width:100%}} figcaption{{background:#ff0}}"
    )
    return f"<style>{style}</style>{pictures}"
