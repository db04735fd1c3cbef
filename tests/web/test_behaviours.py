"""What a page does under hands and keys: tables, forms, dialogs, menus, live figures, the theme."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from muntin.testing.browsing import Watched
from muntin.testing.waiting import until

from .conftest import Harness

pytestmark = pytest.mark.browser


async def test_table_search_filter_sort_and_page_live_in_the_address(watched: Watched) -> None:
    page = await watched.open("/list")
    region = page.locator("#servers")

    await page.get_by_role("link", name="Page 2").click()
    await expect(region.locator("tbody tr").first).to_contain_text("server-0026")
    on_page = page.url
    await page.get_by_role("link", name="Name").click()
    await expect(region.locator("tbody tr").first).to_contain_text("server-1000")
    await page.locator("#servers-search").press_sequentially("01")
    await expect(region.locator(".m-pages")).to_contain_text("of 119")
    await page.get_by_label("Any state").select_option("running")
    await expect(region.locator("tbody .m-state").first).to_have_text("Running")

    assert on_page.endswith("/list?page=2")
    assert set(page.url.partition("?")[2].split("&")) == {"search=01", "state=running", "sort=-name"}
    await expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "descending")


async def test_going_back_shows_the_table_as_it_was(watched: Watched) -> None:
    page = await watched.open("/list")
    await page.get_by_role("link", name="Page 2").click()
    await expect(page.locator("tbody tr").first).to_contain_text("server-0026")

    await page.go_back()

    await expect(page.locator("tbody tr").first).to_contain_text("server-0001")


async def test_row_click_opens_and_clicks_on_its_controls_do_not(watched: Watched) -> None:
    page = await watched.open("/list")

    await page.locator("tbody input").first.check()
    after_box = page.url
    await page.locator("tbody td").nth(3).click()
    await page.wait_for_url("**/server")

    assert after_box.endswith("/list")


async def test_bulk_action_asks_and_posts_the_chosen_rows(harness: Harness, watched: Watched) -> None:
    page = await watched.open("/list")
    boxes = page.locator("[data-select-row]")

    await boxes.nth(1).check()
    await boxes.nth(4).click(modifiers=["Shift"])
    await expect(page.locator("[data-bulk-count]")).to_have_text("4")
    await page.locator("[data-bulk]").get_by_role("button", name="Delete").click()
    await page.locator("dialog[open]").get_by_role("button", name="Delete").click()
    await page.wait_for_function("() => performance.getEntriesByType('navigation')[0].type === 'navigate'")
    await expect(page.locator("[data-bulk]")).to_be_hidden()

    assert harness.saved == [{"csrf_token": ["proof"], "ids": ["2", "3", "4", "5"]}]


async def test_refused_form_keeps_what_was_typed_and_shows_the_error(harness: Harness, watched: Watched) -> None:
    page = await watched.open("/form")
    await page.get_by_label("Name").fill("my <b>server</b>")
    await page.get_by_label("Memory", exact=True).fill("64")
    await page.locator(".m-tags-entry").fill("new")
    await page.locator(".m-tags-entry").press("Enter")

    await page.get_by_role("button", name="Save").click()
    await page.locator(".m-field-error").wait_for()

    assert await page.get_by_label("Name").input_value() == "my <b>server</b>"
    assert await page.locator(".m-field-error").inner_text() == "Must be at least 128 MiB."
    assert await page.get_by_label("Memory", exact=True).get_attribute("aria-describedby") == "f-memory_mib-error"
    await expect(page.get_by_label("Memory", exact=True)).to_be_focused()
    assert [one["tags"] for one in harness.saved] == ["eu, test, new"]
    watched.problems[:] = [one for one in watched.problems if "422" not in one]


async def test_editor_and_replaced_secret_are_posted_an_untouched_secret_is_not(
    harness: Harness, watched: Watched
) -> None:
    page = await watched.open("/form")
    await page.locator(".cm-content").click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("pvp=false")
    await page.keyboard.press("Control+s")
    await page.wait_for_url("**/form?saved=1")
    await page.get_by_role("button", name="Replace SMTP password").click()
    await page.get_by_label("SMTP password", exact=True).fill("new secret")
    await page.get_by_role("button", name="Save").click()
    await until(lambda: len(harness.saved) == 2)

    first, second = harness.saved
    assert first["config"].replace("\r", "") == "motd=Hello\nmax-players=20\npvp=false"
    assert "smtp_password" not in first
    assert second["smtp_password"] == "new secret"


async def test_leaving_with_unsaved_changes_asks(watched: Watched) -> None:
    page = await watched.open("/form")
    asked: list[str] = []

    async def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        await dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    await page.get_by_label("Name").press_sequentially("x")
    await expect(page.locator(".m-unsaved")).to_be_visible()
    await page.get_by_role("link", name="Dashboard").click()
    await until(lambda: bool(asked))

    assert asked == ["beforeunload"]
    assert page.url.endswith("/form")


async def test_deleting_asks_for_the_name(harness: Harness, watched: Watched) -> None:
    page = await watched.open("/list")
    await page.locator("tbody [aria-haspopup]").first.click()
    await page.locator("[popover]:popover-open").get_by_role("button", name="Delete…").click()
    dialog = page.locator("#destroy")
    button = dialog.get_by_role("button", name="Delete")

    await expect(button).to_be_disabled()
    await dialog.locator("input[name=confirm]").fill("server-0002")
    await expect(button).to_be_disabled()
    await dialog.locator("input[name=confirm]").fill("server-0001")
    await button.click()
    await until(lambda: bool(harness.saved))

    assert harness.saved == [{"csrf_token": ["proof"], "confirm": ["server-0001"]}]


async def test_menu_works_by_keyboard_alone(watched: Watched) -> None:
    page = await watched.open("/list")
    opener = page.locator("tbody [aria-haspopup]").first

    await opener.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    focused = await page.evaluate("document.activeElement.textContent")
    await page.keyboard.press("Escape")

    assert focused == "Suspend"
    await expect(opener).to_be_focused()
    assert await opener.get_attribute("aria-expanded") == "false"


async def test_slash_searches_and_question_mark_lists_the_keys(watched: Watched) -> None:
    page = await watched.open("/")

    await page.keyboard.press("/")
    await expect(page.locator("[data-search]")).to_be_focused()
    await page.keyboard.type("abc?")
    await expect(page.locator("#m-find-results")).to_contain_text("server-0004")
    await page.locator("[data-search]").blur()
    await page.keyboard.press("?")
    listed = await page.locator("dialog[open] .m-keys-row dd").all_inner_texts()

    assert listed == ["Search", "Show this list", "Close menus and dialogs", "New server"]


async def test_chosen_theme_stays_and_is_there_before_the_first_paint(watched: Watched) -> None:
    page = await watched.open("/")
    before = await page.evaluate("document.documentElement.dataset.bsTheme")
    await page.locator(".m-account").click()
    await page.get_by_role("button", name="Dark").click()

    await page.goto(f"{watched.url}/list", wait_until="commit")
    await page.wait_for_function("() => document.body")

    assert (before, await page.evaluate("document.documentElement.dataset.bsTheme")) == ("light", "dark")


async def test_live_figures_and_state_arrive_over_one_stream(watched: Watched) -> None:
    streams: list[str] = []
    watched.page.on("request", lambda one: streams.append(one.url))
    page = await watched.open("/?live=1")
    card = page.locator('[data-live="server:1"]')

    await expect(card.locator(".m-state")).to_have_text("Running")
    await expect(card.locator("[data-field=cpu]")).not_to_have_text("12 %")
    await page.wait_for_function("() => document.querySelector('[data-live] progress').value < 500")

    assert len([one for one in streams if one.endswith("/live")]) == 1


async def test_times_are_relative_with_the_exact_time_on_hover(watched: Watched) -> None:
    page = await watched.open("/list")
    time = page.locator("muntin-time").first

    await expect(time).to_have_text("5 hours ago")

    assert "UTC" in (await time.get_attribute("title") or "")


async def test_copy_button_copies_and_says_so(watched: Watched) -> None:
    await watched.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await watched.open("/kit")

    await page.get_by_role("button", name="Copy play.example.org:25565").click()

    await expect(page.locator("#muntin-announcer")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == "play.example.org:25565"


async def test_chart_shows_limit_and_values_from_its_address(watched: Watched) -> None:
    page = await watched.open("/kit")

    await expect(page.locator("muntin-chart .m-chart-values")).to_have_text("47 %/ 100 %")

    assert await page.locator(".m-chart-plot").get_attribute("aria-label") == "CPU, the last hour: 47 %/ 100 %"


async def test_phone_has_a_bottom_bar_with_everything_one_tap_away(watched: Watched) -> None:
    await watched.page.set_viewport_size({"width": 390, "height": 844})
    page = await watched.open("/")

    shown = await page.locator(".m-nav .m-nav-item:visible").all_inner_texts()
    await page.get_by_role("button", name="More").click()
    await page.locator("#m-nav-all").get_by_role("link", name="Settings").click()
    await page.wait_for_url("**/form")

    assert [one.strip() for one in shown] == ["Dashboard", "Account", "Overview", "Servers", "More"]
