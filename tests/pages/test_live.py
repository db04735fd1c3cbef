"""The one stream of a page."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from muntin.app import PanelApp
from muntin.jobs.desk import CHANGED_TOPIC
from muntin.pages import live
from muntin.panel import Panel

from .conftest import Visitor


async def heard(app: PanelApp, visitor: Visitor, say: object, count: int) -> str:
    """What a page's stream says until it named so many things."""
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}
    text = ""
    connection = app.test_client(use_cookies=False).request(
        "/live", headers=headers, scope_base={"client": ("198.51.100.1", 1)}
    )
    async with connection as stream, asyncio.timeout(5):
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
