"""Opening the console's websocket: what is refused with an HTTP answer, and what is opened."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from quart.testing.connections import WebsocketResponseError

from muntin.panel import Panel
from muntin.testing.callers import Caller
from muntin.testing.waiting import until

from .asking import ERROR
from .promises import kept
from .shapes import differences
from .things import make_server
from .world import World

NAME = "WS /api/v1/servers/{id}/ws"


async def opened(caller: Caller, server_id: object) -> tuple[int, str]:
    """Status and code of the refusal; 101 where it is opened."""
    headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
    client = caller.app.test_client(use_cookies=False)
    try:
        async with asyncio.timeout(20):
            async with client.websocket(
                f"/api/v1/servers/{server_id}/ws", headers=headers, scope_base={"client": (caller.address, 1234)}
            ) as line:
                await line.receive()
                return 101, ""
    except WebsocketResponseError as error:
        body: Any = json.loads(await error.response.get_data())
        assert list(differences(body, ERROR, {}, {})) == []
        return error.response.status_code, body["error"]["code"]


async def test_each_refusal_of_the_contract_is_answered(
    panel: Panel, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    [promise] = [one for one in kept(panel.tables.tables["native"].routes) if one.name == NAME]
    server, suspended = await make_server(world), await make_server(world, is_suspended=True)

    seen = {
        await opened(world.boss, server.id),
        await opened(world.stranger(), server.id),
        await opened(world.keys["account.ssh-keys"], server.id),
        await opened(world.boss, "00000000-0000-4000-8000-000000000000"),
        await opened(world.boss, suspended.id),
        await world.during_a_fault(lambda: opened(world.boss, server.id)),
        await world.at_a_hasty_time(lambda: opened(world.hasty[0], server.id)),
    }

    assert seen == {(101, "")} | promise.errors
    await until(lambda: not panel.connections.open)
