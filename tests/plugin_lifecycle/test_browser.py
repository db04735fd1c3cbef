"""A new plugin comes into a running panel by its page, in a real browser, and its own pages are as they should be."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
from playwright.async_api import Browser, expect

from muntin.scaffold import write_plugin
from muntin.testing.browsing import REMEMBER_VIOLATIONS, Watched, chromium, findings, sign_in
from muntin.testing.served import EMAIL, ServedPanel, served_panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
PATIENCE_MS = 120_000
STEPS = [
    "Look and resolve",
    "Unpack",
    "Try sketches in a process of its own",
    "Migrate",
    "Start new processes",
    "Switch",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `muntin plugin new` writes, as a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    project = write_plugin("sketches", folder).folder
    pip = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*pip, str(project)], check=True, timeout=200)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServedPanel]:
    """A panel whose operator allows installing from the page."""
    allowed = {"MUNTIN_PLUGINS": "sketches", "MUNTIN_PLUGIN_INSTALL": "1"}
    async with served_panel(tmp_path_factory.mktemp("served") / "data", allowed) as panel:
        yield panel


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A headless browser."""
    async with chromium() as opened:
        yield opened


async def test_uploaded_plugin_shows_its_steps_and_then_its_pages(
    served: ServedPanel, browser: Browser, wheel: Path
) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    await context.add_init_script(REMEMBER_VIOLATIONS)
    page, found = await context.new_page(), dict[str, list[str]]()
    watched = Watched(page, served.url)
    await sign_in(page, served.url, EMAIL, served.password)
    code = await _second_factor(served)

    await watched.open("/admin/plugins/install/upload")
    found["upload"] = await findings(page)
    await page.set_input_files("#u-file", wheel)
    await page.fill("#u-password", served.password)
    await page.fill("#u-code", code)
    await page.click("main button:has-text('Install')")
    await page.wait_for_url(re.compile("/admin/plugins/changes/"))
    await expect(page.locator("#report")).to_contain_text("Every process uses the new set", timeout=PATIENCE_MS)
    steps = await page.locator("#report ol li").all_inner_texts()
    found["report"] = await findings(page)
    asked = len([path for path in watched.asked if path.startswith("/admin/plugins/changes/")])

    await watched.open("/")
    await page.click("nav a[href='/sketches']")
    await page.wait_for_url(re.compile("/sketches$"))
    found["empty list"] = await findings(page)
    await page.click("main a:has-text('New entry')")
    await page.wait_for_url(re.compile("/sketches/new$"))
    found["form"] = await findings(page)
    await page.fill("main [name=title]", "Milk & honey")
    await page.fill("main [name=text]", "Buy some of it.")
    await page.click("main button:has-text('Write')")
    await expect(page.locator("main table")).to_contain_text("Milk & honey")
    found["list"] = await findings(page)
    await context.close()

    assert [one.split("\n")[0].rsplit(" ", 1)[0] for one in steps] == STEPS
    assert asked > 1  # the page showed the steps as they were done, it was not loaded once at the end
    assert found == {name: [] for name in found}
    assert watched.problems == []


async def _second_factor(served: ServedPanel) -> str:
    """Give the administrator one; a recovery code, which is good at any time."""
    place = "/api/v1/account/two-factor"
    made = await served.client.post(f"{place}/setup", json={"password": served.password})
    code = pyotp.TOTP(made.json()["data"]["secret"]).now()
    enabled = await served.client.post(f"{place}/enable", json={"code": code})
    return str(enabled.json()["data"]["backup_codes"][0])
