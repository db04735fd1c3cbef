"""The one stream of a page."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from muntin.app import PanelApp
from muntin.jobs.desk import CHANGED_TOPIC
from muntin.nodes.reporting import STATUS_TOPIC
from muntin.pages import live
from muntin.pages.live_memory import MADE_WITHIN_MS, now_ms
from muntin.panel import Panel
from muntin.testing.waiting import until

from .conftest import Visitor


async def heard(app: PanelApp, visitor: Visitor, say: object, count: int, query: str = "", **more: str) -> str:
    """What a page's stream says until it named so many things."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    headers = {"Cookie": cookies, **{name.replace("_", "-"): value for name, value in more.items()}}
    text = ""
    connection = app.test_client(use_cookies=False).request(
        f"/live{query}", headers=headers, scope_base={"client": ("198.51.100.1", 1)}
    )
    async with connection as stream, asyncio.timeout(30):
        await stream.send_complete()
        text += (await stream.receive()).decode()
        assert callable(say)
        say()
        while text.count("data:") < count:
            text += (await stream.receive()).decode()
        await stream.disconnect()
    return text


async def test_a_person_hears_of_their_own_things_only(app: PanelApp, panel: Panel, guest: Visitor) -> None:
    assert guest.account is not None
    mine, other = f"account.{guest.account.id}", f"account.{uuid4()}"

    def say() -> None:
        live.tell(other, "server:1", state="running")
        live.tell("admin", "server:2", state="running")
        panel.bus.publish(CHANGED_TOPIC, {"id": "7", "state": "done", "percent": 100, "text": ""})
        live.tell(mine, "server:3", values={"cpu": "12 %"}, state="running")

    text = await heard(app, guest, say, 1)

    assert text.count("data:") == 1
    assert '{"topic":"server:3","values":{"cpu":"12 %"},"state":"running"}' in text


async def test_an_administrator_hears_of_jobs(app: PanelApp, panel: Panel, boss: Visitor) -> None:
    def say() -> None:
        panel.bus.publish(CHANGED_TOPIC, {"id": "7", "state": "running", "percent": 40, "text": "Copying"})

    text = await heard(app, boss, say, 1)

    wanted = '{"topic":"job:7","values":{"percent":40,"text":"40 %","label":"Copying"},"state":"running"}'
    assert wanted in text


def say_nothing() -> None:
    """What was told before the stream was opened is enough."""


def made_now() -> str:
    """The query of a page that was made at this moment, by a handler that took no time."""
    return f"?since={now_ms() + MADE_WITHIN_MS}"


async def test_a_page_is_told_what_happened_between_its_making_and_its_stream(
    app: PanelApp, panel: Panel, guest: Visitor
) -> None:
    mine, page = f"account.{guest.account_id}", made_now()
    live.tell(mine, "server:11", state="starting")
    live.tell(mine, "server:11", state="running")
    live.tell(f"account.{uuid4()}", "server:12", state="running")
    live.tell(mine, "usage:11", values={"cpu": "1 %"})
    await panel.bus.flush()

    text = await heard(app, guest, say_nothing, 2, page)

    assert [line for line in text.split("\n") if line.startswith("data:")] == [
        'data: {"topic":"server:11","values":{},"state":"running"}',
        'data: {"topic":"usage:11","values":{"cpu":"1 %"}}',
    ]


async def test_a_browser_that_comes_back_goes_on_where_it_was(app: PanelApp, panel: Panel, guest: Visitor) -> None:
    def say() -> None:
        live.tell(f"account.{guest.account_id}", "server:21", state="offline")

    before = await heard(app, guest, say, 1)
    last = int(before.rpartition("id: ")[2].partition("\n")[0])
    await until(lambda: now_ms() > last + 1)
    live.tell(f"account.{guest.account_id}", "server:22", state="running")
    await panel.bus.flush()

    text = await heard(app, guest, say_nothing, 1, Last_Event_ID=str(last + 1))

    assert "server:21" in before
    assert "server:22" in text and "server:21" not in text


async def test_a_page_of_long_ago_is_asked_to_look_itself(app: PanelApp, guest: Visitor) -> None:
    text = await heard(app, guest, say_nothing, 1, "?since=1000")

    assert "event: refresh" in text


async def test_an_administrator_sees_a_node_come_and_go(app: PanelApp, panel: Panel, boss: Visitor) -> None:
    def say() -> None:
        panel.bus.publish(STATUS_TOPIC, {"id": "n", "status": "offline"})

    text = await heard(app, boss, say, 1)

    assert '{"topic":"node:n","values":{},"state":"offline"}' in text
