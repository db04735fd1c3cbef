"""A served panel with a node of our own making, an egg, ports and servers; and browsers that notice complaints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext

from muntin.testing.browsing import REMEMBER_VIOLATIONS
from muntin.testing.served import EMAIL, ServedPanel, served_panel

from .wings_peer import Game, WingsPeer, wings_peer

PATIENCE_S = 60.0


@dataclass
class World:
    """What browser tests walk around in.

    Attributes:
        node_id, egg_id: Of the node and of an egg with variables.
        server_id: Of an installed server called lobby.
        cookies: Of the administrator's session.
    """

    panel: ServedPanel
    peer: WingsPeer
    node_id: str = ""
    egg_id: str = ""
    nest_id: str = ""
    server_id: str = ""
    cookies: list[Any] = field(default_factory=list)

    @property
    def game(self) -> Game:
        return self.peer.game(self.server_id)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The native API, as the administrator."""
        answer = await self.panel.client.request(method, f"/api/v1{path}", json=body)
        answer.raise_for_status()
        return answer.json()["data"] if answer.content else None

    async def add_server(self, name: str, **values: Any) -> str:
        """A server of the administrator's; answers its id at once."""
        account = await self.ask("GET", "/account")
        wanted = {"name": name, "user_id": account["id"], "egg_id": self.egg_id, "memory": 1024, "disk": 5120,
                  "cpu": 200, "allocations_limit": 3} | values  # fmt: skip
        return str((await self.ask("POST", "/admin/servers", wanted))["id"])

    async def add_node(self, peer: WingsPeer, name: str, *, alias: str, **values: Any) -> str:
        """Make a peer a node of the panel, with 16 ports; its id."""
        place = {"fqdn": "127.0.0.1", "scheme": "http", "daemon_port": peer.port, "memory": 32768, "disk": 100_000}
        node = await self.ask("POST", "/admin/nodes", {"name": name, **place, **values})
        peer.panel_url = self.panel.url
        peer.bearer = f"{node['daemon_token_id']}.{node['daemon_token']}"
        ports = {"ip": "127.0.0.1", "ports": ["25565-25580"], "alias": alias}
        await self.ask("POST", f"/admin/nodes/{node['id']}/allocations", ports)
        return str(node["id"])

    async def wait_for(self, server_id: str, status: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (await self.ask("GET", f"/servers/{server_id}"))["status"] != status:  # noqa: ASYNC110 - it is another process that we wait for
                await asyncio.sleep(0.3)

    async def start(self) -> None:
        """Have the lobby run."""
        if self.game.state != "running":
            await self.ask("POST", f"/servers/{self.server_id}/power", {"action": "start"})
        await self.wait_for(self.server_id, "running")


@asynccontextmanager
async def made_world(folder: Path, plugins: str = "gameservers") -> AsyncIterator[World]:
    """Start panel and node, and fill both."""
    environment = {"MUNTIN_PLUGINS": plugins}
    async with wings_peer() as peer, served_panel(folder, environment) as panel:
        world = World(panel, peer)
        await _fill(world)
        usage = asyncio.create_task(peer.tell_usage())
        try:
            yield world
        finally:
            usage.cancel()


async def _fill(world: World) -> None:
    world.node_id = await world.add_node(world.peer, "node-1", alias="play.example.org")
    async with asyncio.timeout(PATIENCE_S):
        while not (nests := await world.ask("GET", "/admin/nests?search=Sandbox")):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.3)
    world.nest_id = nests[0]["id"]
    world.egg_id = (await world.ask("GET", f"/admin/nests/{world.nest_id}/eggs"))[0]["id"]
    world.server_id = await world.add_server("lobby")
    await world.wait_for(world.server_id, "offline")
    world.game.say(*(f"[INFO] line {number} of the boot" for number in range(1, 31)))
    await world.start()


async def signed_in(world: World, browser: Browser, **options: Any) -> BrowserContext:
    """A browser with the administrator's session, which is opened through the form the first time."""
    context = await browser.new_context(locale="en-GB", timezone_id="UTC", base_url=world.panel.url, **options)
    context.set_default_timeout(30_000)
    await context.add_init_script(REMEMBER_VIOLATIONS)
    if world.cookies:
        await context.add_cookies(world.cookies)
        return context
    page = await context.new_page()
    await page.goto("/sign-in?next=/servers")
    await page.get_by_label("E-mail or username").fill(EMAIL)
    await page.get_by_label("Password", exact=True).fill(world.panel.password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{world.panel.url}/servers")
    world.cookies = await context.cookies()
    await page.close()
    return context
