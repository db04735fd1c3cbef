"""Pictures of every page, to be looked at by people.

    python -m plugins.gameservers.tests.pages.tour <folder> [part of a path]

Each sheet holds several pages side by side; light and dark, 390 and 1440 pixels wide. The panel is filled with what
operators have: many servers, long names, nodes that are away, failed installs.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from muntin.testing.browsing import chromium

from .tour_filling import PASSWORD, fill
from .world import World, made_world, signed_in

SIZES = {390: (4, 390, 1500), 1440: (2, 760, 1300)}
"""Width of the window -> pages in a row of a sheet, width of each there, most pixels of a page's height."""
LOOKS = ((1440, "light"), (390, "dark"), (1440, "dark"), (390, "light"))
PAGES = """
/ /servers /servers?search=nothing {own} {own}/startup {own}/network {own}/activity {own}/settings
/servers/{installing} /servers/{failed} /servers/{suspended} /servers/{away} /servers/{crashed} /servers/{reinstalling}
/servers/{long} /servers/{suspended}/settings /servers/{installing}/startup
/account /account/security /account/api-keys /account/api-keys/new /account/ssh-keys /account/activity
/admin /admin/servers /admin/servers?status=offline&sort=-memory /admin/servers/{server} /admin/servers/{suspended}
/admin/servers/{failed} /admin/servers/new /admin/servers/new?egg_id={egg}&node_id={node}
/admin/eggs /admin/eggs/nests /admin/eggs/nests/new /admin/eggs/nests/{nest} /admin/eggs/{egg} /admin/eggs/{egg}/edit
/admin/eggs/{egg}/variables/new /admin/eggs/new /admin/eggs/import
/admin/nodes /admin/nodes/{node} /admin/nodes/{node}/settings /admin/nodes/{node}/configuration
/admin/nodes/{node}/ports /admin/nodes/new
/admin/accounts /admin/accounts/{account} /admin/accounts/new /admin/roles /admin/roles/1 /admin/roles/2
/admin/roles/new /admin/plugins /admin/settings/general /admin/settings/mail /admin/settings/oidc /admin/jobs
/admin/audit /webhooks /webhooks/{my_hook} /admin/webhooks /admin/webhooks/{hook} /admin/webhooks/{down}
/admin/webhooks/{hook}/deliveries/{delivery} /admin/webhooks/{down}/deliveries/{failed_delivery}
/admin/webhooks/{hook}/edit /admin/webhooks/new/http /admin/webhooks/new/discord /admin/webhooks/new/telegram
/docs/api /docs/api?search=roles /search?q=isles /nothing-here
/setup/administrator /setup/address /setup/node /setup/more
"""
OPEN_PAGES = ("/sign-in", "/forgot-password", "/invitation?token=x&email=a@example.org", "/verify-email?token=x")
OWN_PAGES = ("/", "/servers", "/webhooks", "/admin", "/account/security")


@dataclass
class Tour:
    """A walk through all pages.

    Attributes:
        sheets: Where the pictures go.
        only: Parts of paths; all pages when empty.
        ids: What the addresses of pages hold.
    """

    world: World
    browser: Browser
    sheets: Path
    only: Sequence[str]
    ids: dict[str, str] = field(default_factory=dict)

    async def walk(self, width: int, scheme: Any) -> None:
        """All pages in one look: of the administrator, of a plain account, of a stranger."""
        look = {"viewport": {"width": width, "height": 844 if width < 800 else 900}, "color_scheme": scheme}
        context = await signed_in(self.world, self.browser, **look)
        shots = [
            await self._shot(context, path, width) for path in PAGES.format(**self.ids).split() if self._wants(path)
        ]
        await context.close()
        context = await self.browser.new_context(base_url=self.world.panel.url, **look)
        shots += [await self._shot(context, path, width) for path in OPEN_PAGES if self._wants(path)]
        shots += await self._of_a_plain_account(context, width)
        await context.close()
        per_sheet = SIZES[width][0] * (1 if width < 800 else 2)
        for number, first in enumerate(range(0, len(shots), per_sheet)):
            await self._sheet(f"{width}-{scheme}-{number:02}", shots[first : first + per_sheet], width)

    def _wants(self, path: str) -> bool:
        return not self.only or any(part in path for part in self.only)

    async def _of_a_plain_account(self, context: BrowserContext, width: int) -> list[tuple[str, bytes]]:
        """With the second factor half set up, which draws a picture to scan."""
        page = await context.new_page()
        await page.goto("/sign-in")
        await page.get_by_label("E-mail or username").fill("ada")
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{self.world.panel.url}/")
        shots = [await self._shot(context, path, width) for path in OWN_PAGES if self._wants(path)]
        if self._wants("/two-factor"):
            await page.goto("/account/security")
            await page.fill("#two-password", PASSWORD)
            await page.get_by_role("button", name="Set up").click()
            await page.wait_for_selector("main img")
            shots.append(("/two-factor", await _picture(page, width)))
        await page.close()
        return shots

    async def _shot(self, context: BrowserContext, path: str, width: int) -> tuple[str, bytes]:
        page = await context.new_page()
        await page.goto(path)
        shot = await _picture(page, width)
        await page.close()
        return path, shot

    async def _sheet(self, name: str, shots: Sequence[tuple[str, bytes]], width: int) -> None:
        in_a_row, shown, _height = SIZES[width]
        page = await self.browser.new_page(viewport={"width": in_a_row * (shown + 8), "height": 600})
        pictures = "".join(
            f"<figure><figcaption>{path}</figcaption><img src='data:image/png;base64,{base64.b64encode(one).decode()}'>"
            "</figure>"
            for path, one in shots
        )
        style = (
            "body{margin:0;display:flex;flex-wrap:wrap;align-items:start;font:13px sans-serif;background:#888}"
            f"figure{{margin:4px;width:{shown}px}} img{{width:100%}} figcaption{{background:#ff0}}"
        )
        await page.set_content(f"<style>{style}</style>{pictures}")
        await page.screenshot(path=self.sheets / f"{name}.png", full_page=True)
        await page.close()


async def _picture(page: Page, width: int) -> bytes:
    await page.wait_for_timeout(400)  # charts and consoles draw themselves
    height = min(int(await page.evaluate("document.documentElement.scrollHeight")), SIZES[width][2])
    await page.set_viewport_size({"width": width, "height": max(height, 844)})
    return await page.screenshot()


async def main(sheets: Path, only: Sequence[str]) -> None:
    """Walk in every look."""
    with tempfile.TemporaryDirectory() as folder:
        async with made_world(Path(folder) / "data", "gameservers,webhooks") as world, chromium() as browser:
            tour = Tour(world, browser, sheets, only, await fill(world))
            for width, scheme in LOOKS:
                await tour.walk(width, scheme)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
