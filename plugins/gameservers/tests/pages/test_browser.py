"""Game servers in a real browser, on a served panel whose node is a small program of the tests."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from muntin.testing.browsing import OVERFLOW, Watched, chromium, findings

from .conftest import document
from .wings_peer import WingsPeer, wings_peer
from .world import PATIENCE_S, World, made_world, signed_in

pytestmark = pytest.mark.browser

NOTHING_YET = "\u2013"


@pytest.fixture(scope="module")
async def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with made_world(tmp_path_factory.mktemp("served") / "data") as world:
        yield world


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def watched(world: World, browser: Browser) -> AsyncIterator[Watched]:
    """A page of the administrator's; the test fails when anything on it complained."""
    world.peer.installs = True
    context = await signed_in(world, browser, viewport={"width": 1440, "height": 900})
    watched = Watched(await context.new_page(), world.panel.url)
    yield watched
    await context.close()
    assert watched.problems == []


def pages_of(world: World) -> list[str]:
    own, egg, server = f"/servers/{world.server_id}", f"/admin/eggs/{world.egg_id}", f"/admin/servers/{world.server_id}"
    return ["/", "/servers", "/servers?search=nothing", own, f"{own}/startup", f"{own}/network", f"{own}/activity",
            f"{own}/settings", "/admin", "/admin/servers", server, f"{server}/transfer",
            f"/admin/servers/new?egg_id={world.egg_id}&node_id={world.node_id}", "/admin/eggs",
            "/admin/eggs/new", "/admin/eggs/nests", egg, f"{egg}/edit", f"{egg}/variables/new", "/admin/eggs/import",
            f"/admin/nodes/{world.node_id}/ports", "/setup/more"]  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_no_page_has_a_serious_finding_or_overflows(
    world: World, browser: Browser, width: int, scheme: Any
) -> None:
    context = await signed_in(world, browser, viewport={"width": width, "height": 844}, color_scheme=scheme)
    paths = pages_of(world)

    found: dict[str, list[str]] = {}
    for path in paths:
        watched = Watched(await context.new_page(), world.panel.url)
        page = await watched.open(path)
        found[path] = [*await findings(page), *watched.problems]
        await page.close()
    await context.close()

    assert found == {path: [] for path in paths}


async def test_nothing_lies_outside_a_tablet(world: World, browser: Browser) -> None:
    context = await signed_in(world, browser, viewport={"width": 768, "height": 1024})
    watched = Watched(await context.new_page(), world.panel.url)

    found = {path: await (await watched.open(path)).evaluate(OVERFLOW) for path in pages_of(world)}
    await context.close()

    assert found == {path: [] for path in found}
    assert watched.problems == []


async def test_the_console_shows_lines_takes_commands_and_draws_charts(world: World, watched: Watched) -> None:
    await world.start()
    page = await watched.open(f"/servers/{world.server_id}")

    await expect(page.locator("#console")).to_contain_text("line 30 of the boot")
    await page.get_by_label("Command").fill("say hello")
    await page.keyboard.press("Enter")
    await expect(page.locator("#console")).to_contain_text("heard: say hello")

    await expect(page.locator(".uplot canvas")).to_have_count(3)
    await expect(page.locator('[data-field="memory"]')).to_contain_text("MiB")
    await expect(page.locator('[data-field="uptime"]')).not_to_have_text(NOTHING_YET)


async def test_power_buttons_follow_the_state(world: World, watched: Watched) -> None:
    await world.start()
    page = await watched.open(f"/servers/{world.server_id}")
    start, stop = page.locator('[data-power="start"]'), page.locator('[data-power="stop"]')

    await expect(start).to_be_disabled()
    await stop.click()
    await expect(page.locator("h1")).to_contain_text("Offline")
    await expect(stop).to_be_disabled()
    await start.click()
    await expect(page.locator("h1")).to_contain_text("Running")


async def test_the_dashboard_follows_servers_over_one_stream(world: World, watched: Watched) -> None:
    await world.start()
    page = await watched.open("/")
    tile = page.locator(f'[data-live="server:{world.server_id}"]')

    await expect(tile).to_contain_text("Running")
    await expect(tile.locator('[data-field="memory"]')).to_contain_text("MiB")
    await expect(tile.locator('[data-field="cpu"]')).to_contain_text("%")
    before = len(watched.asked)
    await world.ask("POST", f"/servers/{world.server_id}/power", {"action": "stop"})
    await expect(tile).to_contain_text("Offline")
    await expect(tile.locator('[data-field="cpu"]')).to_have_text(NOTHING_YET)

    assert len([path for path in watched.asked if path.partition("?")[0] == "/live"]) == 1
    assert len(watched.asked) == before


async def test_a_server_is_made_by_the_form_and_watched_while_it_is_installed(world: World, watched: Watched) -> None:
    world.peer.installs = False
    page = await watched.open("/admin/servers/new")

    await page.get_by_label("Name", exact=True).fill("survival")
    await page.get_by_label("Game", exact=True).select_option(world.egg_id)
    await page.get_by_label("Players").fill("9")
    await page.get_by_label("Node").select_option(world.node_id)
    await expect(page.locator("#f-allocation_id option")).not_to_have_count(1)
    await page.get_by_label("Port", exact=True).select_option(label="127.0.0.1:25580")
    await page.get_by_role("button", name="Create").click()
    await page.wait_for_url(re.compile(r"/servers/[0-9a-f-]{36}$"))
    server_id = page.url.rpartition("/")[2]

    await expect(page.locator("h1")).to_contain_text("Installing")
    await expect(page.locator("#server-state")).to_contain_text("is being installed")
    await world.peer.watched(server_id)
    world.peer.game(server_id).tell("install output", "Fetching the game…")
    await expect(page.locator("#console")).to_contain_text("Fetching the game…")
    world.peer.installs = True
    await world.peer.finish_install(world.peer.game(server_id), "No space left on the disk.")
    await expect(page.locator("#server-state")).to_contain_text("No space left on the disk.")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("h1")).to_contain_text("Offline")
    await expect(page.locator("#server-state")).to_have_text("")
    assert (await world.ask("GET", f"/servers/{server_id}"))["environment"]["MT_MAX_USERS"] == "9"


async def test_an_egg_is_pasted_and_another_uploaded(world: World, watched: Watched, tmp_path: Path) -> None:
    page = await watched.open("/admin/eggs/import")

    await page.locator("#f-nest_id").select_option(world.nest_id)
    await page.locator(".cm-content").click()
    await page.keyboard.insert_text(json.dumps(document("Pasted here")))
    await page.get_by_role("button", name="Import the text").click()
    await expect(page.locator("h1")).to_have_text("Pasted here")
    await expect(page.locator("main")).to_contain_text("The egg Pasted here is imported.")

    file = tmp_path / "egg.json"
    file.write_text(json.dumps(document("Uploaded here")))
    page = await watched.open("/admin/eggs/import")
    await page.locator("#u-nest_id").select_option(world.nest_id)
    await page.get_by_label("Egg file").first.set_input_files(file)
    await page.get_by_role("button", name="Import the file").click()
    await expect(page.locator("h1")).to_have_text("Uploaded here")

    async with page.expect_download() as coming:
        await page.get_by_role("button", name="Export").click()
        await page.get_by_role("link", name="PLCN_v3", exact=True).click()
    saved = tmp_path / "saved.json"
    await (await coming.value).save_as(saved)
    assert json.loads(saved.read_text())["meta"]["version"] == "PLCN_v3"


async def test_an_upload_that_is_no_egg_says_so_in_place(world: World, watched: Watched, tmp_path: Path) -> None:
    file = tmp_path / "egg.json"
    file.write_text("not an egg")
    page = await watched.open("/admin/eggs/import")

    await page.locator("#u-nest_id").select_option(world.nest_id)
    await page.locator("#u-file").set_input_files(file)
    await page.get_by_role("button", name="Import the file").click()

    await expect(page.locator(".m-notice-danger").first).to_be_visible()
    watched.problems = [one for one in watched.problems if "422" not in one]  # the browser notes refused requests


async def test_ports_are_added_and_removed(world: World, watched: Watched) -> None:
    page = await watched.open(f"/admin/nodes/{world.node_id}/ports?search=9")

    await page.get_by_label("Address").first.fill("127.0.0.9")
    await page.locator("#f-ports-entry").fill("4001-4002")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator("main")).to_contain_text("2 ports are added.")
    page = await watched.open(f"/admin/nodes/{world.node_id}/ports?search=127.0.0.9")
    await page.locator("tbody [aria-haspopup]").first.click()
    await page.get_by_role("button", name="Delete").locator("visible=true").click()
    await page.locator("dialog[open]").get_by_role("button", name="Delete").click()

    await expect(page.locator("main")).to_contain_text("Removed.")
    page = await watched.open(f"/admin/nodes/{world.node_id}/ports?search=127.0.0.9")
    await expect(page.locator("tbody tr")).to_have_count(1)


async def test_deleting_wants_the_name(world: World, watched: Watched) -> None:
    server_id = await world.add_server("short-lived")
    await world.wait_for(server_id, "offline")
    page = await watched.open(f"/admin/servers/{server_id}")

    await page.get_by_role("button", name="Delete…").click()
    dialog = page.locator("dialog[open]")
    await expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    await dialog.get_by_label("Type the name").fill("short-lived")
    await dialog.get_by_role("button", name="Delete").click()

    await expect(page.locator("main")).to_contain_text("The server short-lived is deleted.")


async def test_a_suspended_server_says_so_on_a_page_that_is_open(world: World, watched: Watched) -> None:
    server_id = await world.add_server("unpaid")
    await world.wait_for(server_id, "offline")
    async with watched.page.expect_response(re.compile(r"/live(\?|$)")):
        page = await watched.open(f"/servers/{server_id}/settings")
    await page.wait_for_timeout(300)  # the stream's answer has begun; a moment later it listens

    await world.ask("POST", f"/admin/servers/{server_id}/suspend", {"reason": "Invoice 7 is open."})

    await expect(page.locator("#server-state")).to_contain_text("Invoice 7 is open.")
    await expect(page.locator("h1")).to_contain_text("Suspended")


async def test_startup_is_saved_without_scripts(world: World, browser: Browser) -> None:
    context = await signed_in(world, browser, java_script_enabled=False)
    page = await context.new_page()

    await page.goto(f"/servers/{world.server_id}/startup")
    await page.get_by_label("Message of the day").fill("No scripts here")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("main")).to_contain_text("Saved.")
    await context.close()

    server = await world.ask("GET", f"/servers/{world.server_id}")
    assert server["environment"]["MT_MOTD"] == "No scripts here"


@pytest.fixture
async def second(world: World) -> AsyncIterator[WingsPeer]:
    """Another node of the panel, which is online; nothing is placed on it unasked."""
    async with wings_peer() as peer:
        node_id = await world.add_node(peer, "node-2", alias="moved.example.org", is_public=False)
        telling = asyncio.create_task(peer.tell_usage())
        async with asyncio.timeout(PATIENCE_S):
            while (await world.ask("GET", f"/admin/nodes/{node_id}"))["status"] != "online":  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        yield peer
        telling.cancel()


async def test_a_server_is_moved_by_hand_while_its_owner_looks_on(
    world: World, watched: Watched, second: WingsPeer, browser: Browser
) -> None:
    server_id = await world.add_server("traveller", node_id=world.node_id)
    await world.wait_for(server_id, "offline")
    await world.ask("POST", f"/servers/{server_id}/power", {"action": "start"})
    await world.wait_for(server_id, "running")
    context = await signed_in(world, browser, viewport={"width": 390, "height": 844}, color_scheme="dark")
    looking_on = Watched(await context.new_page(), world.panel.url)
    owners = await looking_on.open(f"/servers/{server_id}")
    await world.peer.watched(server_id)

    page = await watched.open(f"/admin/servers/{server_id}")
    await page.get_by_role("link", name="Move…").click()
    serious = await findings(page)
    await page.get_by_role("link", name="node-2").click()
    await page.get_by_label("Port", exact=True).select_option(label="moved.example.org:25570")
    serious += await findings(page)
    await page.get_by_role("button", name="Move the server").click()
    await page.get_by_role("dialog").get_by_role("button", name="Move", exact=True).click()
    await expect(page.locator("#move")).to_contain_text("The server is being moved from node-1 to node-2")
    serious += await findings(page)

    await expect(owners.locator("#server-state")).to_contain_text("The server is being moved to another node")
    await expect(owners.locator("h1")).to_contain_text("Transferring")
    await expect(owners.locator('[data-power="start"]')).to_be_disabled()
    world.peer.game(server_id).tell("transfer logs", "half of it is sent")
    await expect(owners.locator("#console")).to_contain_text("half of it is sent")
    serious += await findings(owners)

    second.game(server_id).say("[INFO] hello from the other node")
    await second.report(f"/servers/{server_id}/transfer/success")
    await expect(owners.locator("h1")).to_contain_text("Running")
    await expect(owners.locator("#console")).to_contain_text("hello from the other node")
    await expect(owners.locator("#server-address")).to_contain_text("moved.example.org:25570")
    await expect(owners.locator("#server-state")).not_to_contain_text("being moved")
    await expect(page.locator("#move")).to_be_empty()

    await moves_no_further(world, page, server_id)
    await context.close()
    assert (serious, looking_on.problems) == ([], [])


async def moves_no_further(world: World, page: Page, server_id: str) -> None:
    """The way back is broken off; the page says so, and offers to try again."""
    await page.goto(f"/admin/servers/{server_id}/transfer?node_id={world.node_id}")
    await page.get_by_role("button", name="Move the server").click()
    await page.get_by_role("dialog").get_by_role("button", name="Move", exact=True).click()
    await page.get_by_role("button", name="Cancel the move…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel the move").click()
    await expect(page.locator("#move")).to_contain_text("It was cancelled by admin. It is on node-2 as before.")
    await page.get_by_role("link", name="Try again").click()
    await expect(page.get_by_role("heading", name="To the node node-1")).to_be_visible()
