"""Pictures of the core's pages in every state, also those that nobody likes to see, to be looked at by people.

    python -m tests.pages.tour <folder> [part of a name]

Each page becomes one picture for each look (390 and 1440 pixels wide, light and dark), and each look gets contact
sheets of them all. The panel holds what operators have: plugins that fail, were taken out or cannot be loaded, jobs
that run, wait and failed, events that nobody took, and a first run. The pages of game servers and webhooks have a
tour of their own: `python -m plugins.gameservers.tests.pages.tour`.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize
from playwright.async_api import TimeoutError as TimedOut

from muntin.testing.browsing import chromium
from muntin.testing.served import EMAIL, ServedPanel, served_panel

from .tour_filling import Filled, environment, fill

LOOKS = ((1440, "light"), (390, "dark"), (1440, "dark"), (390, "light"))
IN_A_ROW = {390: (5, 390, 1500), 1440: (2, 760, 1400)}
"""Width of the window -> pages in a row of a sheet, width of each there, most pixels of a page's height."""
FIRST_RUN = "/setup/administrator /setup/address /setup/node /setup/more"
RESET = "/reset-password?token=x&email=a@example.org"
STRANGERS = f"""
/sign-in /forgot-password /register /invitation?token=x&email=a@example.org {RESET} /verify-email?token=x
"""
ADMINISTRATORS = """
/ /account /account/security /account/api-keys /account/api-keys/{key} /account/api-keys/new /account/ssh-keys
/account/activity /admin /admin/accounts /admin/accounts/{account} /admin/accounts/new /admin/roles /admin/roles/1
/admin/roles/2 /admin/roles/new /admin/nodes /admin/nodes/{node} /admin/nodes/{node}/settings
/admin/nodes/{node}/configuration /admin/nodes/new /admin/plugins /admin/plugins/clumsy /admin/plugins/holding
/admin/plugins/unfit /admin/plugins/install/upload /admin/settings/general /admin/settings/security
/admin/settings/mail /admin/settings/features /admin/settings/oidc /admin/settings/retention /admin/settings/clumsy
/admin/jobs /admin/jobs?state=cancelled /admin/jobs/{failed} /admin/jobs/{running}
/admin/jobs/events /admin/audit /search?q=role /search?q=nothingisso /docs/api /nothing-here /clumsy/page /away/page
"""
Step = Callable[[Page], Awaitable[object]]


@dataclass
class Tour:
    """A walk through all pages in one look.

    Attributes:
        only: Parts of names; every page when empty.
        shots: Name and picture of each page so far.
    """

    panel: ServedPanel
    browser: Browser
    folder: Path
    only: Sequence[str]
    width: int
    scheme: Any
    shots: list[tuple[str, bytes]] = field(default_factory=list)

    async def walk(self, filled: Filled) -> None:
        """What a stranger sees, what an administrator sees, and what forms answer."""
        stranger = await self.context()
        await self._all(stranger, STRANGERS)
        await self._forms_of_strangers(stranger)
        await stranger.close()
        context = await self.context()
        await context.add_cookies(filled.cookies)
        await self._all(context, ADMINISTRATORS.format(**filled.ids))
        await self._forms(context)
        await context.close()
        plain = await self.context()
        await plain.add_cookies(filled.plain_cookies)
        for path in ("/", "/admin", "/account/security"):
            await self._one(plain, f"plain {path}", path)
        await self._one(plain, "two-factor", "/account/security", _set_up_two_factor)
        await plain.close()

    async def context(self) -> BrowserContext:
        """A browser in this look, with nobody signed in."""
        size = ViewportSize(width=self.width, height=844 if self.width < 800 else 900)
        context = await self.browser.new_context(
            base_url=self.panel.url, viewport=size, color_scheme=self.scheme, locale="en-GB", timezone_id="UTC"
        )
        context.set_default_timeout(10_000)
        return context

    async def first_run(self, cookies: list[Any]) -> None:
        """The steps of somebody who sets the panel up."""
        context = await self.context()
        await context.add_cookies(cookies)
        await self._all(context, FIRST_RUN)
        await context.close()

    async def _forms_of_strangers(self, context: BrowserContext) -> None:
        await self._one(context, "sign-in refused", "/sign-in", _sign_in_wrongly)
        await self._one(context, "forgot-password sent", "/forgot-password", _ask_for_a_link)
        await self._one(context, "reset-password refused", RESET, _reset_wrongly)

    async def _forms(self, context: BrowserContext) -> None:
        await self._one(context, "accounts-new refused", "/admin/accounts/new", _make_an_account_wrongly)
        await self._one(context, "roles-new refused", "/admin/roles/new", _make_a_role_wrongly)
        await self._one(context, "menu", "/admin/jobs", _open_a_menu)
        await self._one(context, "account-menu", "/admin", _open_the_account_menu)
        await self._one(context, "keys", "/", _show_the_keys)

    async def _all(self, context: BrowserContext, paths: str) -> None:
        for path in paths.split():
            await self._one(context, path, path)

    async def _one(self, context: BrowserContext, name: str, path: str, step: Step | None = None) -> None:
        if self.only and not any(part in name for part in self.only):
            return
        page = await context.new_page()
        await page.goto(path)
        if step is not None:
            try:
                await step(page)
            except TimedOut as error:  # the picture shows how far it came
                sys.stderr.write(f"{name}: {error}\n")
        shot = await self._picture(page)
        await page.close()
        self.shots.append((name, shot))
        file_name = f"{self.width}-{self.scheme}-{name.replace('/', '-').strip('-') or 'start'}.png"
        await asyncio.to_thread((self.folder / file_name.replace("?", "-")).write_bytes, shot)

    async def _picture(self, page: Page) -> bytes:
        await page.wait_for_load_state("load")
        await page.wait_for_timeout(300)  # charts draw themselves
        tall = int(await page.evaluate("document.documentElement.scrollHeight"))
        await page.set_viewport_size({"width": self.width, "height": max(844, min(tall, IN_A_ROW[self.width][2]))})
        return await page.screenshot()

    async def sheets(self) -> None:
        """Contact sheets of everything seen."""
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


async def _sign_in_wrongly(page: Page) -> None:
    await page.fill("[name=email]", "ada")
    await page.fill("[name=password]", "not the password")
    await page.click("main button:has-text('Sign in')")
    await page.wait_for_selector("[role=alert], .m-field-error")


async def _ask_for_a_link(page: Page) -> None:
    await page.fill("[name=email]", "nobody@example.org")
    await page.click("main button:has-text('Send the link')")
    await page.wait_for_selector("h1:not(:has-text('Forgot')), .m-notice")


async def _reset_wrongly(page: Page) -> None:
    for name in ("password", "password_confirmation"):
        if await page.locator(f"[name={name}]").count():
            await page.fill(f"[name={name}]", "a long enough password")
    await page.click("main form button:has-text('Set')")
    await page.wait_for_selector("[role=alert], .m-field-error")


async def _make_an_account_wrongly(page: Page) -> None:
    await page.fill("[name=email]", EMAIL)
    await page.fill("[name=username]", "admin")
    await page.click("main button:has-text('Make the account')")
    await page.wait_for_selector("[role=alert], .m-field-error")


async def _make_a_role_wrongly(page: Page) -> None:
    await page.fill("[name=name]", "Admin")
    await page.click("main button:has-text('Make the role')")
    await page.wait_for_selector("[role=alert], .m-field-error")


async def _open_a_menu(page: Page) -> None:
    await page.locator("tbody button[popovertarget]").first.click()


async def _open_the_account_menu(page: Page) -> None:
    await page.click(".m-account")


async def _show_the_keys(page: Page) -> None:
    await page.keyboard.press("?")
    await page.wait_for_selector("dialog[open]")


async def _set_up_two_factor(page: Page) -> None:
    await page.fill("#two-password", "a long enough password")
    await page.click("main button:has-text('Set up')")
    await page.wait_for_selector("main img")


async def main(folder: Path, only: Sequence[str]) -> None:
    """Walk in every look."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        async with served_panel(data, environment(Path(place) / "plugins")) as panel, chromium() as browser:
            tours = [Tour(panel, browser, folder, only, width, scheme) for width, scheme in LOOKS]
            filled = await fill(panel, browser, data / "muntin.sqlite3")
            for tour in tours:
                await tour.first_run(filled.cookies)
            for tour in tours:
                await tour.walk(filled)
                await tour.sheets()


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
