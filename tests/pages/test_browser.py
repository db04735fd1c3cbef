"""A real browser in front of a really served panel: the ways people take, and every page looked at by axe."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from playwright.async_api import Browser, BrowserContext, ViewportSize

from muntin.testing.browsing import REMEMBER_VIOLATIONS, Watched, findings
from muntin.testing.pictures import Album

from .served import EMAIL, PASSWORD

REFUSED = re.compile(r"the server responded with a status of (404|422)")
PAGES = ("/", "/account", "/account/security", "/account/api-keys", "/account/api-keys/new", "/account/ssh-keys",
         "/account/activity", "/admin", "/admin/accounts", "/admin/accounts/new", "/admin/roles", "/admin/roles/1",
         "/admin/roles/2", "/admin/nodes", "/admin/nodes/new", "/admin/plugins", "/admin/settings/general",
         "/admin/settings/security", "/admin/settings/mail", "/admin/settings/oidc", "/admin/jobs",
         "/admin/jobs/events", "/admin/audit", "/docs/api?search=roles", "/search?q=no",
         "/setup/administrator", "/setup/address", "/setup/node",
         "/setup/more", "/nothing-here")  # fmt: skip
OPEN = ("/sign-in", "/forgot-password", "/reset-password?token=x&email=a@example.com", "/verify-email?token=x",
        "/invitation?token=x&email=a@example.com")  # fmt: skip
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)

pytestmark = pytest.mark.browser


@dataclass
class Tab(Watched):
    """A page of a browser, and the ways people use it."""

    async def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            await self.page.fill(f"main [name={name}]", value)

    async def send(self, button: str) -> None:
        """Press a button of the page and wait for the next one."""
        async with self.page.expect_navigation():
            await self.page.click(f"main button:has-text('{button}')")

    async def text(self) -> str:
        return await self.page.inner_text("main")

    @property
    def complaints(self) -> list[str]:
        """What went wrong; that a browser notes refused requests is as it should be."""
        return [one for one in self.problems if not REFUSED.search(one)]


@pytest.fixture(scope="module")
async def signed_in(url: str, browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser in which the administrator is signed in."""
    context = await browser.new_context(viewport=WIDE, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(30_000)
    await context.add_init_script(REMEMBER_VIOLATIONS)
    tab = Tab(await context.new_page(), url)
    await sign_in(tab, EMAIL, PASSWORD)
    assert tab.page.url == f"{url}/setup/administrator"
    await tab.send("Leave the rest out")
    assert tab.complaints == []
    await tab.page.close()
    yield context
    await context.close()


@pytest.fixture
async def tab(url: str, signed_in: BrowserContext) -> AsyncIterator[Tab]:
    """A fresh page; the test fails when anything on it complained."""
    opened = Tab(await signed_in.new_page(), url)
    yield opened
    await opened.page.close()
    assert opened.complaints == []


async def sign_in(tab: Tab, login: str, password: str) -> None:
    await tab.open("/sign-in")
    await tab.fill(email=login, password=password)
    await tab.send("Sign in")


async def test_an_account_is_made_and_its_person_enrols_an_app_and_signs_in_with_a_code(
    tab: Tab, url: str, browser: Browser
) -> None:
    await tab.open("/admin/accounts/new")
    await tab.fill(email="ada@example.org", username="ada", password="a long enough password")
    await tab.send("Make the account")
    assert "The account was made." in await tab.text()

    context = await browser.new_context(viewport=NARROW)
    context.set_default_timeout(30_000)
    await context.add_init_script(REMEMBER_VIOLATIONS)
    ada = Tab(await context.new_page(), url)
    await sign_in(ada, "ada", "a long enough password")
    await ada.open("/account/security")
    await ada.page.fill("#two-password", "a long enough password")
    await ada.send("Set up")
    secret = await ada.page.get_attribute("main [data-copy]", "data-copy")
    assert secret is not None and await ada.page.evaluate("document.querySelector('main img').naturalWidth") > 0
    await ada.fill(code=pyotp.TOTP(secret).now())
    await ada.send("Switch on")
    codes = (await ada.page.inner_text("#recovery-codes")).split()
    await context.clear_cookies()
    await sign_in(ada, "ada", "a long enough password")
    assert ada.page.url.startswith(f"{url}/sign-in/code")
    await ada.fill(code="000000")
    await ada.send("Sign in")
    assert "This code is not right, or was used before." in await ada.text()
    await ada.fill(code=codes[0])
    await ada.send("Sign in")

    assert ada.page.url == f"{url}/"
    assert ada.complaints == []
    await context.close()


async def test_a_role_is_made_and_deleted_by_its_name(tab: Tab) -> None:
    await tab.open("/admin/roles/new")
    await tab.fill(name="Support")
    await tab.page.click("summary:has-text('Accounts')")
    await tab.page.check("[value='admin.users.list']")
    await tab.send("Make the role")
    assert await tab.page.is_checked("[value='admin.users.list']")

    await tab.page.click("main button:has-text('Delete the role')")
    assert await tab.page.is_disabled("#destroy button[type=submit]")
    await tab.page.fill("#destroy-name", "support")
    async with tab.page.expect_navigation():
        await tab.page.click("#destroy button[type=submit]")

    assert tab.page.url.endswith("/admin/roles")
    assert "Deleted." in await tab.text()


async def test_a_node_is_added_and_its_command_shown_once(tab: Tab) -> None:
    await tab.open("/admin/nodes/new")
    await tab.fill(name="node-1", fqdn="node1.example.org", memory="65536", disk="500000")
    await tab.send("Add the node")
    assert "muntin-node configure --panel-url" in await tab.text()

    await tab.page.click("main a:has-text('To the node')")
    await tab.page.wait_for_url(re.compile(r"/admin/nodes/[0-9a-f-]+$"))

    assert "64.0 GiB" in await tab.text() and "token" not in await tab.text()


async def test_settings_are_saved_and_a_wrong_one_is_named(tab: Tab) -> None:
    await tab.open("/admin/settings/retention")
    await tab.fill(audit_days="0")
    await tab.send("Save")
    assert "Input should be greater than or equal to 1." in await tab.text()

    await tab.fill(audit_days="90")
    await tab.send("Save")

    assert "Saved." in await tab.text()
    assert await tab.page.input_value("[name=audit_days]") == "90"


async def test_the_search_of_the_top_bar_leads_on(tab: Tab) -> None:
    await tab.open("/")
    await tab.page.keyboard.press("/")
    await tab.page.keyboard.type("audit")
    await tab.page.click("#m-find-results a")

    await tab.page.wait_for_url("**/admin/audit")


async def test_a_table_is_searched_without_loading_the_page_anew(tab: Tab) -> None:
    await tab.open("/admin/accounts")
    await tab.page.evaluate("window.kept = true")
    await tab.page.fill("#accounts-search", "no-such-name")
    await tab.page.wait_for_selector("text=Nothing matches")

    assert await tab.page.evaluate("window.kept") is True
    assert "search=no-such-name" in tab.page.url


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["1440 light", "390 dark"])
async def test_every_page_is_readable_by_everybody(
    url: str, browser: Browser, signed_in: BrowserContext, size: ViewportSize, scheme: str
) -> None:
    context = await browser.new_context(
        viewport=size, color_scheme=scheme, storage_state=await signed_in.storage_state()  # type: ignore[arg-type]  # one of two literals
    )  # fmt: skip
    await context.add_init_script(REMEMBER_VIOLATIONS)
    tab = Tab(await context.new_page(), url)
    found: list[str] = []
    for path in PAGES:
        found += await looked_at(tab, path)
    await context.clear_cookies()
    for path in OPEN:
        found += await looked_at(tab, path)

    assert found + tab.complaints == []
    await context.close()


async def looked_at(tab: Tab, path: str) -> list[str]:
    """What is wrong with how a page looks."""
    await tab.open(path)
    return [f"{path} {one}" for one in await findings(tab.page)]


def names_in(folder: Path) -> list[str]:
    """Of the files, in order."""
    return sorted(one.name for one in folder.iterdir())


async def test_album_keeps_a_picture_of_each_page_and_a_sheet_of_them_all(
    url: str, browser: Browser, tmp_path: Path
) -> None:
    album = Album(browser, url, tmp_path, 390, "dark", only=("sign", "forgot"))
    context = await album.context()
    await album.take_all(context, "/sign-in /forgot-password /register")
    await context.close()
    await album.sheets()

    assert [name for name, _shot in album.shots] == ["/sign-in", "/forgot-password"]
    assert [int.from_bytes(shot[16:20]) for _name, shot in album.shots] == [390, 390]  # the width in a PNG
    assert names_in(tmp_path) == [
        "390-dark-forgot-password.png",
        "390-dark-sign-in.png",
        "sheet-390-dark-00.png",
    ]
