"""A game server nobody here wrote, from its egg to its end, by nothing but clicks and keys in a browser.

Egg, game, port and packet are those of `test_real_game_server.py`; the pages are those of a real `muntin up`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from muntin.testing.browsing import REMEMBER_VIOLATIONS, Watched, chromium
from muntin.testing.free_ports import free_port

from ..images.openarena import openarena_image
from .clients import Player
from .hosting import HOST, NOTHING, Host, openarena_egg
from .programs import EMAIL, PASSWORD, until

pytestmark = [pytest.mark.browser, pytest.mark.docker, pytest.mark.timeout(300)]
PATIENCE_MS = 60_000
NEST = "Clicked games"
UNKNOWN = "\u2013"
"""What stands for a figure nobody told yet."""


@dataclass
class Operator:
    """Somebody who looks after the panel, in a browser."""

    watched: Watched

    @property
    def page(self) -> Page:
        return self.watched.page

    async def sign_in(self, wanted: str) -> None:
        """Sign in on the way to a page."""
        await self.watched.open(wanted)
        await self.page.get_by_label("E-mail or username").fill(EMAIL)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url(f"**{wanted}")

    async def make_nest(self, name: str) -> None:
        """Make a group for eggs."""
        await self.watched.open("/admin/eggs/nests/new")
        await self.page.get_by_label("Name", exact=True).fill(name)
        await self.page.get_by_role("button", name="Save").click()
        await self.page.wait_for_url("**/admin/eggs/nests")

    async def import_egg(self, nest: str, file: Path) -> None:
        """Upload the file of an egg."""
        await self.watched.open("/admin/eggs/import")
        await self.page.locator("#u-nest_id").select_option(label=nest)
        await self.page.locator("#u-file").set_input_files(file)
        await self.page.get_by_role("button", name="Import the file").click()
        await expect(self.page.locator("main")).to_contain_text("The egg OpenArena is imported.")

    async def delete_egg(self, nest: str) -> None:
        """Delete the egg, and its nest with it."""
        await self.watched.open("/admin/eggs/nests")
        await self.page.get_by_role("link", name=nest, exact=True).click()
        await self.page.get_by_role("link", name="OpenArena", exact=True).click()
        await self.page.get_by_role("button", name="Delete…").click()
        dialog = self.page.locator("dialog[open]")
        await dialog.get_by_label("Type the name").fill("OpenArena")
        await dialog.get_by_role("button", name="Delete").click()
        await expect(self.page.locator("main")).to_contain_text("The egg OpenArena is deleted.")
        await self.watched.open("/admin/eggs/nests")
        await self.page.get_by_role("row", name=nest).locator("[aria-haspopup]").click()
        await self.page.get_by_role("button", name="Delete").locator("visible=true").click()
        await self.page.locator("dialog[open]").get_by_role("button", name="Delete").click()
        await expect(self.page.locator("main")).to_contain_text("Deleted.")

    async def add_port(self, node: str, port: int) -> None:
        """Let players reach the node on a port."""
        await self.watched.open("/admin/nodes")
        await self.page.get_by_role("link", name=node, exact=True).click()
        await self.page.get_by_role("link", name="Ports", exact=True).click()
        await self.page.get_by_label("Address").first.fill(HOST)
        await self.page.locator("#f-ports-entry").fill(str(port))
        await self.page.keyboard.press("Enter")
        await self.page.get_by_role("button", name="Add", exact=True).click()
        await expect(self.page.locator("main")).to_contain_text("added")

    async def order(self, name: str, node: str, port: int, **variables: str) -> str:
        """Make a server by the form; answers its id."""
        await self.watched.open("/servers")
        await self.page.get_by_role("link", name="New server").click()
        await self.page.get_by_label("Name", exact=True).fill(name)
        await self.page.get_by_label("Game", exact=True).select_option(label=f"{NEST}: OpenArena")
        for label, value in variables.items():
            await self.page.get_by_label(label.replace("_", " ").capitalize(), exact=True).fill(value)
        await self.page.get_by_label("Node").select_option(label=node)
        await self.page.get_by_label("Port", exact=True).select_option(label=f"{HOST}:{port}")
        await self.page.get_by_label("Memory").fill("512")
        await self.page.get_by_label("Disk").fill("1024")
        await self.page.get_by_role("button", name="Create").click()
        await self.page.wait_for_url(re.compile(r"/servers/[0-9a-f-]{36}$"))
        return self.page.url.rpartition("/")[2]

    async def power(self, action: str) -> None:
        """Press a power button once it may be pressed."""
        await self.page.locator(f'[data-power="{action}"]').click()

    async def command(self, line: str) -> None:
        """Type a line into the console."""
        await self.page.get_by_label("Command").fill(line)
        await self.page.keyboard.press("Enter")

    async def is_told(self, state: str) -> None:
        """Wait until the heading says a state."""
        await expect(self.page.locator("h1")).to_contain_text(state, timeout=PATIENCE_MS)

    async def reads(self, text: str) -> None:
        """Wait for a line of the console."""
        await expect(self.page.locator("#console")).to_contain_text(text, timeout=PATIENCE_MS)

    def figure(self, name: str) -> Locator:
        """One of the figures above the console."""
        return self.page.locator(f'[data-figures-of] [data-field="{name}"]')

    async def drawn(self) -> list[str]:
        """The charts as pictures."""
        pictures: list[str] = await self.page.locator(".uplot canvas").evaluate_all(
            "all => all.map((one) => one.toDataURL())"
        )
        return pictures

    async def delete(self, server_id: str, name: str) -> None:
        """Delete a server, as administrators do."""
        await self.watched.open("/admin/servers")
        await self.page.get_by_role("link", name=name, exact=True).click()
        await self.page.wait_for_url(f"**/admin/servers/{server_id}")
        await self.page.get_by_role("button", name="Delete…").click()
        dialog = self.page.locator("dialog[open]")
        await dialog.get_by_label("Type the name").fill(name)
        await dialog.get_by_role("button", name="Delete").click()
        await expect(self.page.locator("main")).to_contain_text(f"The server {name} is deleted.")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@asynccontextmanager
async def operating(host: Host, browser: Browser) -> AsyncIterator[Operator]:
    """A browser on the panel; in the end nothing may have been complained of."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(PATIENCE_MS / 3)
    await context.add_init_script(REMEMBER_VIOLATIONS)
    operator = Operator(Watched(await context.new_page(), host.program.url))
    try:
        yield operator
    finally:
        await context.close()
    assert operator.watched.problems == []


async def named(port: int, name: str) -> dict[str, str]:
    """What the game says to a client, once it goes by a name."""
    status = await Player.status(HOST, port)
    return status if status.get("sv_hostname") == name else {}


async def is_silent(port: int) -> bool:
    """Whether nobody answers a client."""
    try:
        return not await Player.status(HOST, port)
    except ConnectionError:
        return True


async def test_real_game_is_made_watched_commanded_stopped_and_deleted_by_its_pages(
    host: Host, browser: Browser, tmp_path: Path
) -> None:
    file, port = tmp_path / "openarena.yaml", free_port(HOST)
    file.write_bytes(openarena_egg(openarena_image()))
    node: dict[str, Any] = await host.api.get(f"/admin/nodes/{host.node_id}")

    async with operating(host, browser) as operator:
        await operator.sign_in("/admin/eggs")
        await operator.make_nest(NEST)
        await operator.import_egg(NEST, file)
        await operator.add_port(node["name"], port)
        server_id = await operator.order("Clicked", node["name"], port, server_name="Made by clicks")
        host.made.append(server_id)
        server = await host.server(server_id)

        await operator.reads("OpenArena is installed.")
        await operator.is_told("Offline")

        await operator.power("start")
        await operator.is_told("Running")
        await operator.reads("AAS initialized.")
        first = await until(lambda: named(port, "Made by clicks"), what="an answer over UDP")
        await expect(operator.figure("uptime")).not_to_have_text(UNKNOWN)
        await expect(operator.figure("memory")).to_contain_text("MiB")
        await expect(operator.page.locator(".uplot canvas")).to_have_count(3)
        before = await operator.drawn()

        await operator.command("sv_hostname Renamed by keys")
        second = await until(lambda: named(port, "Renamed by keys"), what="the new name over UDP")
        await until(lambda: _all_moved(operator, before), what="charts that move")

        await operator.power("stop")
        await operator.reads("----- Server Shutdown (Server quit) -----")
        await operator.is_told("Offline")
        ended = host.last_exit(server_id)
        silent = await is_silent(port)

        await operator.delete(server_id, "Clicked")
        await operator.delete_egg(NEST)

    assert (first["mapname"], first["gamename"]) == ("oa_dm1", "baseoa")
    assert second["sv_hostname"] == "Renamed by keys"
    assert ended == (0, "stopped")
    assert silent
    assert await host.leaves(server) == NOTHING


async def _all_moved(operator: Operator, before: list[str]) -> bool:
    return all(now != then for now, then in zip(await operator.drawn(), before, strict=True))
