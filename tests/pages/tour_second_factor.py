"""The second factor, from switching it on to the code at the door; for the tour."""

from __future__ import annotations

import pyotp
from playwright.async_api import Page

from muntin.testing.browsing import sign_in
from muntin.testing.pictures import Album

from .tour_filling import PASSWORD


async def second_factor(album: Album, login: str) -> None:
    """Every page of it, with an account that has none so far."""
    if album.wants("two-factor"):
        for part in (_switch_on, _sign_in_with_it):
            context = await album.context()
            page = await context.new_page()
            await sign_in(page, album.url, login, PASSWORD)
            await part(album, page)
            await context.close()


async def _switch_on(album: Album, page: Page) -> None:
    await page.goto("/account/security")
    await page.fill("#two-password", PASSWORD)
    await page.click("main button:has-text('Set up')")
    await page.wait_for_selector("main img")
    secret = str(await page.locator("main [data-copy]").first.get_attribute("data-copy"))
    await album.keep(page, "two-factor set up")
    await _send(page, "000000", "Switch on")
    await page.wait_for_selector(".m-field-error, main [role=alert]")
    await album.keep(page, "two-factor refused")
    await _send(page, pyotp.TOTP(secret).now(), "Switch on")
    await page.wait_for_selector("#recovery-codes")
    await album.keep(page, "two-factor recovery codes")
    await page.goto("/account/security")
    await album.keep(page, "two-factor on")


async def _sign_in_with_it(album: Album, page: Page) -> None:
    await page.wait_for_selector("[name=code]")
    await album.keep(page, "two-factor at the door")
    await _send(page, "000000", "Sign in")
    await page.wait_for_selector(".m-field-error, main [role=alert]")
    await album.keep(page, "two-factor at the door refused")


async def _send(page: Page, code: str, button: str) -> None:
    await page.fill("main [name=code]", code)
    await page.click(f"main button:has-text('{button}')")
