"""The console element against a websocket: nothing lost, nothing twice, and words for every way a socket ends."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from muntin.testing.browsing import Watched

from .conftest import Harness

pytestmark = pytest.mark.browser


async def shown(page: Page) -> list[str]:
    """Every line of the console so far."""
    text: str = await page.evaluate("document.querySelector('muntin-console').text")
    return text.split("\n")


async def wait_for_line(page: Page, line: str) -> None:
    await page.wait_for_function(
        "line => document.querySelector('muntin-console').text.split('\\n').includes(line)", arg=line
    )


async def open_console(harness: Harness, watched: Watched) -> Page:
    page = await watched.open("/server")
    await wait_for_line(page, harness.fake.lines[-1])
    return page


async def test_typed_command_is_sent_and_its_echo_shown(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)

    await page.get_by_label("Command", exact=True).fill("say hello")
    await page.keyboard.press("Enter")
    await wait_for_line(page, "echo say hello")

    assert harness.fake.commands == ["say hello"]
    assert await shown(page) == harness.fake.lines
    await expect(page.locator(".xterm-rows")).to_contain_text("echo say hello")


async def test_arrow_keys_walk_the_history_across_a_reload(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)
    entry = page.get_by_label("Command", exact=True)
    for command in ("list", "save-all"):
        await entry.fill(command)
        await entry.press("Enter")
        await wait_for_line(page, f"echo {command}")

    await page.reload()
    await wait_for_line(page, "echo save-all")
    await entry.fill("half")
    walked = []
    for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"):
        await entry.press(key)
        walked.append(await entry.input_value())

    assert walked == ["save-all", "list", "save-all", "half"]


@pytest.mark.parametrize("numbered", [True, False], ids=["numbered", "without numbers"])
async def test_dropped_connection_comes_back_without_a_lost_or_doubled_line(
    harness: Harness, watched: Watched, numbered: bool
) -> None:
    harness.fake.numbered = numbered
    page = await open_console(harness, watched)
    away = 300 if numbered else 60  # nodes without numbers repeat the last hundred

    await harness.fake.drop(1012)
    harness.fake.lines.extend(f"while away {number}" for number in range(away))
    await wait_for_line(page, f"while away {away - 1}")
    await harness.fake.say("after")
    await wait_for_line(page, "after")

    assert await shown(page) == harness.fake.lines
    assert harness.fake.issued == 2  # each connection has its own ticket


async def test_lost_connection_is_said_and_so_is_its_return(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)
    said = "window.said = []; document.addEventListener('muntin:connection', (event) => said.push(event.detail.state))"
    await page.evaluate(said)

    await harness.fake.drop(1011)
    await page.wait_for_function("() => said.at(-1) === 'open'")

    assert await page.evaluate("said.filter((state, index) => state !== said[index - 1])") == ["lost", "open"]


async def test_missing_lines_that_never_come_leave_a_marker(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)

    await harness.fake.tell({"type": "skipped", "count": 7, "seq": 47})
    await harness.fake.tell(
        {"type": "console_output", "message": "next", "seq": 48, "timestamp": "2027-01-01T00:00:00Z"}
    )
    await wait_for_line(page, "next")

    assert await shown(page) == [*harness.fake.lines, "next"]
    await expect(page.locator(".xterm-rows")).to_contain_text("7 lines were skipped")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4403, "You may no longer see this console."),
        (4404, "This server no longer exists."),
        (4409, "This server is suspended."),
    ],
)
async def test_final_close_is_explained_and_not_tried_again(
    harness: Harness, watched: Watched, code: int, words: str
) -> None:
    page = await open_console(harness, watched)

    await harness.fake.drop(code)
    await expect(page.locator(".m-console-state")).to_have_text(words)
    await page.wait_for_timeout(800)

    assert harness.fake.issued == 1
    await expect(page.get_by_label("Command", exact=True)).to_be_disabled()
    await expect(page.get_by_role("button", name="Stop")).to_be_disabled()


async def test_expired_session_of_a_socket_gets_a_fresh_ticket(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)

    await harness.fake.drop(4401)
    await harness.fake.say("to the new socket")
    await wait_for_line(page, "to the new socket")

    assert harness.fake.issued == 2
    await expect(page.locator("muntin-console[data-connection=open]")).to_be_visible()


async def test_power_buttons_and_badge_follow_the_state(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)
    power = page.locator("[data-power]")

    running = await power.evaluate_all("all => all.filter((one) => !one.disabled).map((one) => one.dataset.power)")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("h1 .m-state")).to_have_text("Offline")
    offline = await power.evaluate_all("all => all.filter((one) => !one.disabled).map((one) => one.dataset.power)")

    assert (running, offline) == (["restart", "stop", "kill"], ["start"])
    assert harness.fake.state == "offline"


async def test_refused_message_is_shown_and_the_socket_stays(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)

    await harness.fake.tell({"type": "error", "code": "server_offline", "message": "The server is offline."})
    await wait_for_line(page, "[muntin] The server is offline.")

    assert await page.locator("muntin-console").get_attribute("data-connection") == "open"


async def test_node_that_does_not_answer_is_said_once_and_forgotten_when_it_does(
    harness: Harness, watched: Watched
) -> None:
    page = await open_console(harness, watched)
    away = {"type": "error", "code": "node_unreachable", "message": "The node does not answer."}

    for _number in range(3):
        await harness.fake.tell(away)
    await expect(page.locator("h1 .m-state")).to_have_text("Unreachable")
    await expect(page.locator("[data-power]:enabled")).to_have_count(0)
    await harness.fake.tell({"type": "status", "status": "running"})
    await expect(page.locator("h1 .m-state")).to_have_text("Running")
    await harness.fake.say("back")
    await wait_for_line(page, "back")

    assert await shown(page) == [*harness.fake.lines[:-1], "[muntin] The node does not answer.", "back"]


async def test_killing_asks_first(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)
    question = page.locator("dialog[open]")

    await page.locator("[data-power=kill]").click()
    await question.get_by_role("button", name="Cancel").click()
    kept = harness.fake.state
    await page.locator("[data-power=kill]").click()
    await question.get_by_role("button", name="Kill").click()
    await expect(page.locator("h1 .m-state")).to_have_text("Offline")

    assert (kept, harness.fake.state) == ("running", "offline")


async def test_commands_sent_before_are_reached_without_arrow_keys(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)
    entry = page.get_by_label("Command", exact=True)
    for command in ("first", "second"):
        await entry.fill(command)
        await entry.press("Enter")

    older, newer = page.get_by_label("Typed before"), page.get_by_label("Typed after")  # shown to fingers alone
    await older.dispatch_event("click")
    await older.dispatch_event("click")
    await expect(entry).to_have_value("first")
    await newer.dispatch_event("click")

    await expect(entry).to_have_value("second")


async def test_hostile_output_runs_nothing_and_answers_nothing(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)

    await harness.fake.say(
        "<img src=x onerror=alert(1)><script>alert(1)</script>",
        "\x1b]0;title\x07\x1b]52;c;aGVsbG8=\x07\x1b[c\x1b[6n\x1b[38;2;1;2;3mdark\x1b[0m",
        "\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07",
    )
    await harness.fake.say("done")
    await wait_for_line(page, "done")

    assert harness.fake.commands == []
    assert await page.locator("muntin-console img, muntin-console script").count() == 0


async def test_link_opens_only_after_asking(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)
    await harness.fake.say("http://example.org/map")
    await wait_for_line(page, "http://example.org/map")
    row = page.locator(".xterm-rows > div", has_text="http://example.org/map")
    box = await row.bounding_box()
    assert box is not None

    await page.mouse.move(box["x"] + 30, box["y"] + 6)
    await page.locator(".xterm-cursor-pointer").wait_for()
    await page.mouse.click(box["x"] + 30, box["y"] + 6)
    question = page.locator("dialog[open]")
    await expect(question).to_contain_text("http://example.org/map")
    await question.get_by_role("button", name="Cancel").click()

    assert len(page.context.pages) == 1


async def test_search_counts_what_it_found(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)

    await page.get_by_role("button", name="Search in the console").click()
    await page.locator(".m-console-search input").fill("line 3")

    await expect(page.locator(".m-console-found")).to_have_text("11 / 11")  # 3 and 30 to 39; the newest first


async def test_timestamps_appear_on_demand(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)

    await page.get_by_role("button", name="Timestamps").click()

    assert (await shown(page))[0] == "00:00:40 [boot] line 1"  # the frame's own time


async def test_screen_follows_the_end_unless_scrolled_up(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)
    await harness.fake.say(*[f"more {number}" for number in range(200)])
    await wait_for_line(page, "more 199")
    await expect(page.locator(".xterm-rows")).to_contain_text("more 199")

    await page.locator(".m-console-screen").hover()
    await page.mouse.wheel(0, -2000)
    follow = page.get_by_role("button", name="Follow the end")
    await expect(follow).to_be_visible()
    await harness.fake.say("newest")
    await wait_for_line(page, "newest")
    seen_before = "newest" in await page.locator(".xterm-rows").inner_text()
    await follow.click()

    assert seen_before is False
    await expect(page.locator(".xterm-rows")).to_contain_text("newest")


async def test_two_hundred_lines_a_second_arrive_in_order(harness: Harness, watched: Watched) -> None:
    page = await open_console(harness, watched)

    for batch in range(20):
        await harness.fake.say(*[f"burst {batch * 50 + number}" for number in range(50)])
        await page.wait_for_timeout(50)
    await wait_for_line(page, "burst 999")

    assert await shown(page) == harness.fake.lines
