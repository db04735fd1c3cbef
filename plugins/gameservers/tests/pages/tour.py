"""Pictures of every page, to be looked at by people: `python -m plugins.gameservers.tests.pages.tour /tmp/pictures`.

Each sheet holds several pages side by side; `light` and `dark`, 390 and 1440 pixels wide. The panel is filled with what
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

from playwright.async_api import Browser, BrowserContext, async_playwright

from muntin.testing.browsing import ARGUMENTS, CHROMIUM
from .world import World, made_world, signed_in

LONG = "The Grand Ancient Kingdom of the Northern Survival Isles – Season Twelve"
SIZES = {390: (4, 390, 1500), 1440: (2, 760, 1300)}
"""Width of the window -> pages in a row of a sheet, width of each there, most pixels of a page's height."""


@dataclass
class Tour:
    """A walk through all pages.

    Attributes:
        sheets: Where the pictures go.
        only: Parts of paths; all pages when empty.
    """

    world: World
    browser: Browser
    sheets: Path
    only: Sequence[str] = ()
    more: dict[str, str] = field(default_factory=dict)

    def paths(self) -> list[str]:
        own, egg = f"/servers/{self.world.server_id}", f"/admin/eggs/{self.world.egg_id}"
        node = f"/admin/nodes/{self.world.node_id}"
        every = [
            "/", "/servers", "/servers?search=nothing", own, *(f"{own}/{one}" for one in ("startup", "network", "activity", "settings")),
            f"/servers/{self.more['failed']}", f"/servers/{self.more['suspended']}/settings",
            "/account", "/account/security", "/account/api-keys", "/account/api-keys/new", "/account/ssh-keys", "/account/activity",
            "/admin", "/admin/servers", f"/admin/servers/{self.world.server_id}", "/admin/servers/new",
            f"/admin/servers/new?egg_id={self.world.egg_id}&node_id={self.world.node_id}",
            "/admin/eggs", "/admin/eggs/nests", "/admin/eggs/nests/new", egg, f"{egg}/edit", f"{egg}/variables/new", "/admin/eggs/new",
            "/admin/eggs/import", "/admin/nodes", node, f"{node}/settings", f"{node}/configuration", f"{node}/ports", "/admin/nodes/new",
            "/admin/accounts", f"/admin/accounts/{self.more['account']}", "/admin/accounts/new", "/admin/roles", "/admin/roles/1",
            "/admin/roles/2", "/admin/roles/new", "/admin/plugins", "/admin/settings/general", "/admin/settings/mail",
            "/admin/settings/oidc", "/admin/jobs", "/admin/audit", "/docs/api", "/docs/api?search=roles", "/search?q=isles", "/nothing-here",
            "/setup/administrator", "/setup/address", "/setup/node", "/setup/more",
        ]  # fmt: skip
        return [path for path in every if not self.only or any(part in path for part in self.only)]

    async def walk(self, width: int, scheme: Any) -> None:
        """All pages in one look."""
        context = await signed_in(
            self.world, self.browser, viewport={"width": width, "height": 844 if width < 800 else 900},
            color_scheme=scheme,
        )  # fmt: skip
        shots = [(path, await self._shot(context, path, width)) for path in self.paths()]
        await context.close()
        per_sheet = SIZES[width][0] * (1 if width < 800 else 2)
        for number, first in enumerate(range(0, len(shots), per_sheet)):
            await self._sheet(f"{width}-{scheme}-{number:02}", shots[first : first + per_sheet], width)

    async def _shot(self, context: BrowserContext, path: str, width: int) -> bytes:
        page = await context.new_page()
        await page.goto(path)
        await page.wait_for_timeout(400)  # charts and consoles draw themselves
        height = min(int(await page.evaluate("document.documentElement.scrollHeight")), SIZES[width][2])
        await page.set_viewport_size({"width": width, "height": max(height, 844)})
        shot = await page.screenshot()
        await page.close()
        return shot

    async def _sheet(self, name: str, shots: Sequence[tuple[str, bytes]], width: int) -> None:
        in_a_row, shown, _height = SIZES[width]
        page = await self.browser.new_page(viewport={"width": in_a_row * (shown + 8), "height": 600})
        pictures = "".join(
            f"<figure><figcaption>{path}</figcaption><img src='data:image/png;base64,{base64.b64encode(shot).decode()}'>"
            "</figure>"
            for path, shot in shots
        )
        style = (
            f"body{{margin:0;display:flex;flex-wrap:wrap;align-items:start;font:13px sans-serif;background:#888}}"
            f"figure{{margin:4px;width:{shown}px}} img{{width:100%}} figcaption{{background:#ff0}}"
        )
        await page.set_content(f"<style>{style}</style>{pictures}")
        await page.screenshot(path=self.sheets / f"{name}.png", full_page=True)
        await page.close()


async def fill(world: World) -> dict[str, str]:
    """What operators have; ids by what is shown with them."""
    ids: dict[str, str] = {}
    for number in range(2, 5):
        place = {"fqdn": f"node{number}.falkenstein.example.org", "scheme": "https", "memory": 65536, "disk": 500_000}
        await world.ask(
            "POST", "/admin/nodes", {"name": f"falkenstein-rack-{number}", "location": "Falkenstein", **place}
        )
    account: dict[str, Any] = {}
    for name in ("ada", "grace.hopper", "an-administrator-with-a-rather-long-name"):
        values = {"email": f"{name}@mail.example.org", "username": name, "password": "a long enough password"}
        account = await world.ask(
            "POST", "/admin/users", values | {"first_name": name[:3].title(), "last_name": "Lovelace"}
        )
    ids["account"] = account["id"]
    names = [LONG, *(f"{word} {number}" for number in range(1, 5) for word in ("survival", "creative", "skyblock"))]
    servers = [await world.add_server(name, memory=512, disk=1024) for name in names]
    for server_id in servers:
        await world.wait_for(server_id, "offline")
    for server_id in servers[:4]:
        await world.ask("POST", f"/servers/{server_id}/power", {"action": "start"})
    world.peer.installs = False
    ids["failed"] = await world.add_server("failing install", memory=512, disk=1024)
    await world.wait_for(ids["failed"], "installing")
    await asyncio.sleep(1)
    await world.peer.finish_install(world.peer.game(ids["failed"]), "The install script ended with exit code 7.")
    ids["suspended"] = servers[-1]
    await world.ask("POST", f"/admin/servers/{servers[-1]}/suspend", {"reason": "Invoice 2026-117 is open."})
    return ids


async def main(sheets: Path, only: Sequence[str]) -> None:
    """Walk in every look."""
    sheets.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with made_world(Path(folder) / "data") as world, async_playwright() as playwright:
            more = await fill(world)
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            tour = Tour(world, browser, sheets, only, more)
            for width, scheme in ((1440, "light"), (390, "dark"), (1440, "dark"), (390, "light")):
                await tour.walk(width, scheme)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
