"""The panel without a mouse: every page is walked through with the Tab key in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from muntin.testing.browsing import REMEMBER_VIOLATIONS, Watched

from .served import EMAIL, PASSWORD

pytestmark = pytest.mark.browser
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
STRANGERS = ("/sign-in", "/forgot-password")
PAGES = ("/", "/account", "/account/security", "/account/api-keys/new", "/admin", "/admin/accounts", "/admin/roles/2",
         "/admin/nodes/new", "/admin/jobs", "/admin/settings/mail")  # fmt: skip
MOST_STEPS = 400
BEGIN = """() => {
  window.walked = [];
  window.look = (one) => {
    const style = getComputedStyle(one.closest(".m-tags, muntin-tags") ?? one);  // a box around the entry
    return `${style.outlineStyle} ${style.outlineWidth} ${style.boxShadow} ${style.borderColor}`;
  };
  document.body.tabIndex = -1;
  document.body.focus();
}"""
STEP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "over";
  if (one === walked.at(-1)?.[0]) return "inside";  // fields of a date
  if (walked.some(([known]) => known === one)) return "over";
  const box = one.getBoundingClientRect();
  walked.push([one, look(one), box.width && box.height]);
  return "on";
}"""
END = """() => {
  document.activeElement.blur();
  const shown = (ones) => ones.map((one) => one.outerHTML.slice(0, 140));
  const reached = new Set(walked.map(([one]) => one));
  const wanted = [...document.querySelectorAll("a[href], button, input:not([type=radio]), select, textarea, summary")];
  return {
    missed: shown(wanted.filter((one) => (
      !reached.has(one) && !one.disabled && one.tabIndex >= 0 && one.checkVisibility()))),
    unseen: shown(walked.filter(([one, focused, size]) => !size || focused === look(one)).map(([one]) => one)),
  };
}"""


async def opened(browser: Browser, url: str, size: ViewportSize, *, scheme: str = "light") -> BrowserContext:
    """A browser whose pages do not animate: what is focused looks so at once."""
    context = await browser.new_context(
        base_url=url,
        viewport=size,
        reduced_motion="reduce",
        color_scheme=scheme,  # type: ignore[arg-type]  # one of two literals
    )
    context.set_default_timeout(30_000)
    await context.add_init_script(REMEMBER_VIOLATIONS)
    return context


async def sign_in(page: Page) -> None:
    """With the keys alone: the first field has the focus already."""
    await page.goto("/sign-in")
    await page.keyboard.type(EMAIL)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def walk(page: Page) -> dict[str, list[str]]:
    """Press Tab from the top of a page until its end; what was not reached, and what does not look focused."""
    await page.evaluate(BEGIN)
    for _step in range(MOST_STEPS):
        await page.keyboard.press("Tab")
        if await page.evaluate(STEP) == "over":
            break
    found: dict[str, list[str]] = await page.evaluate(END)
    return found


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["1440 light", "390 dark"])
async def test_every_place_is_reached_and_seen_with_the_tab_key(
    url: str, browser: Browser, size: ViewportSize, scheme: str
) -> None:
    context = await opened(browser, url, size, scheme=scheme)
    page = await context.new_page()
    watched = Watched(page, url)
    found: dict[str, dict[str, list[str]]] = {}
    for path in (*STRANGERS, *PAGES):
        if path == PAGES[0]:
            await sign_in(page)
        await page.goto(path)
        found[path] = await walk(page)
    await context.close()

    assert found == {path: {"missed": [], "unseen": []} for path in found}
    assert watched.problems == []


async def test_skip_link_menus_and_dialogs_work_without_a_mouse(url: str, browser: Browser) -> None:
    context = await opened(browser, url, WIDE)
    page = await context.new_page()
    watched = Watched(page, url)
    await sign_in(page)

    await page.goto("/admin/accounts")
    await page.keyboard.press("Tab")
    await expect(page.locator(".m-skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('main') !== null")

    menu = page.locator("tbody button[popovertarget]").first
    await menu.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody [popover]:popover-open")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("[popover]:popover-open")).to_have_count(0)
    await expect(menu).to_be_focused()

    await page.keyboard.press("?")
    await expect(page.locator("dialog[open]")).to_have_count(1)
    for _step in range(4):
        await page.keyboard.press("Tab")
        assert await page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await expect(menu).to_be_focused()
    await context.close()

    assert watched.problems == []


async def test_phone_shows_the_columns_it_left_out_on_demand(url: str, browser: Browser) -> None:
    context = await opened(browser, url, NARROW)
    page = await context.new_page()
    watched = Watched(page, url)
    await sign_in(page)
    await page.goto("/admin/audit")
    address = page.locator("tbody td:nth-child(4)").first
    button = page.locator("[data-all-columns-switch]")

    await expect(address).to_be_hidden()
    await button.click()
    await expect(address).to_be_visible()
    await page.click("thead a:has-text('What')")  # the table is put in anew
    await expect(page.locator("thead [aria-sort]")).to_contain_text("What")
    await expect(address).to_be_visible()
    await button.click()
    await expect(address).to_be_hidden()
    await context.close()

    assert watched.problems == []
