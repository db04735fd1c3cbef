"""Signing in through a real OpenID provider, clicked in a real browser in front of a served panel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from muntin.testing.browsing import REMEMBER_VIOLATIONS, Watched, findings

from ..openid.provider import ADA, CLIENT_ID, CLIENT_SECRET, OpenIdProvider
from .served import EMAIL, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@asynccontextmanager
async def somebody(browser: Browser, url: str, provider: OpenIdProvider) -> AsyncIterator[Watched]:
    """A fresh browser; in the end nothing may have been complained of."""
    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(30_000)
    await context.add_init_script(REMEMBER_VIOLATIONS)
    watched = Watched(await context.new_page(), url, elsewhere=(provider.issuer,))
    try:
        yield watched
    finally:
        await context.close()
    assert [one for one in watched.problems if "favicon.ico" not in one and "status of 404" not in one] == []


@pytest.fixture(scope="module")
def provider(url: str) -> Iterator[OpenIdProvider]:
    """Knows the panel, and asks before it sends anybody back."""
    with OpenIdProvider(url, asks=True).serving() as provider:
        yield provider


@pytest.fixture(scope="module")
async def trusted(url: str, browser: Browser, provider: OpenIdProvider) -> OpenIdProvider:
    """The provider, set up by the administrator on the page of the settings."""
    async with somebody(browser, url, provider) as boss:
        page = await administer(boss, "/admin/settings/oidc")
        await page.get_by_label("Enabled").check()
        await page.get_by_label("Name", exact=True).fill("Example Accounts")
        await page.get_by_label("Issuer").fill(provider.issuer)
        await page.get_by_label("Client id").fill(CLIENT_ID)
        await page.get_by_label("Client secret").fill(CLIENT_SECRET)
        await page.get_by_label("Make accounts").check()
        await save(page)
    return provider


async def administer(watched: Watched, path: str) -> Page:
    """Sign in as the administrator on the way to a page."""
    page = await watched.open(f"/sign-in?next={path}")
    await page.get_by_label("E-mail or username").fill(EMAIL)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**{path}")
    return page


async def save(page: Page) -> None:
    """Save the form of a page."""
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("main")).to_contain_text("Saved.")


async def at_the_provider(watched: Watched, provider: OpenIdProvider, next_path: str = "/") -> Page:
    """Click the button of the sign-in page, and be asked by the provider."""
    page = await watched.open(f"/sign-in?next={next_path}")
    await page.get_by_role("link", name="Sign in with Example Accounts").click()
    await page.wait_for_url(f"{provider.issuer}/**")
    return page


async def test_person_signs_in_through_the_provider_and_comes_out_where_they_wanted(
    url: str, browser: Browser, trusted: OpenIdProvider
) -> None:
    async with somebody(browser, url, trusted) as ada:
        page = await at_the_provider(ada, trusted, "/account")

        await page.get_by_role("button", name="Go on as Ada").click()
        await page.wait_for_url(f"{url}/account")

        await expect(page.get_by_label("E-mail")).to_have_value("ada@example.com")


async def test_answer_that_is_sent_twice_signs_nobody_in(url: str, browser: Browser, trusted: OpenIdProvider) -> None:
    async with somebody(browser, url, trusted) as ada:
        page = await at_the_provider(ada, trusted)
        await page.get_by_role("button", name="Go on as Ada").click()
        await page.wait_for_url(f"{url}/")
        callback = next(path for path in ada.asked if path.startswith("/sign-in/oidc/callback"))
        await page.context.clear_cookies(name="muntin")

        await ada.open(callback)

        await expect(page.locator("main")).to_contain_text("This sign-in was finished before")
        await expect(page).to_have_url(f"{url}/sign-in")
        await ada.open("/account")
        await expect(page).to_have_url(f"{url}/sign-in?next=%2Faccount")


async def test_person_who_cancels_is_offered_another_way(url: str, browser: Browser, trusted: OpenIdProvider) -> None:
    async with somebody(browser, url, trusted) as ada:
        page = await at_the_provider(ada, trusted)

        with ada.refused(422):
            await page.get_by_role("button", name="Cancel").click()
            await expect(page.locator("main")).to_contain_text("You did not go on at the provider.")

        await expect(page.get_by_label("E-mail or username")).to_be_visible()
        assert await findings(page) == []


async def test_person_whose_address_the_provider_does_not_know_for_sure_stays_out(
    url: str, browser: Browser, trusted: OpenIdProvider
) -> None:
    trusted.user = {**ADA, "sub": "eve", "email": "eve@example.com", "email_verified": False}
    try:
        async with somebody(browser, url, trusted) as eve:
            page = await at_the_provider(eve, trusted)

            with eve.refused(422):
                await page.get_by_role("button", name="Go on as Ada").click()
                await expect(page.locator("main")).to_contain_text("The provider has not verified your e-mail address.")
    finally:
        trusted.user = dict(ADA)


async def test_provider_that_is_away_is_said_to_be(url: str, browser: Browser, trusted: OpenIdProvider) -> None:
    async with somebody(browser, url, trusted) as ada:
        page = await ada.open("/sign-in")
        trusted.is_away = True
        try:
            with ada.refused(422):
                await page.get_by_role("link", name="Sign in with Example Accounts").click()
                await expect(page.locator("main")).to_contain_text("does not answer at the moment")
        finally:
            trusted.is_away = False


async def test_person_without_an_account_stays_out_where_none_are_made(
    url: str, browser: Browser, trusted: OpenIdProvider
) -> None:
    async with somebody(browser, url, trusted) as boss:
        page = await administer(boss, "/admin/settings/oidc")
        await page.get_by_label("Make accounts").uncheck()
        await save(page)
    trusted.user = {**ADA, "sub": "grace", "email": "grace@example.com"}

    try:
        async with somebody(browser, url, trusted) as grace:
            page = await at_the_provider(grace, trusted)
            with grace.refused(422):
                await page.get_by_role("button", name="Go on as Ada").click()
                await expect(page.locator("main")).to_contain_text("There is no account with your e-mail address.")
    finally:
        trusted.user = dict(ADA)
