"""How many orders one server takes a minute."""

from __future__ import annotations

from typing import Any

import pytest

from muntin.bus.counters import Limits
from muntin.panel import Panel
from muntin.testing.callers import Caller
from muntin.testing.waiting import until

AT = 1_500_000_010.0


@pytest.fixture
def stopped_clock(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a test asks for is asked in one minute."""
    monkeypatch.setattr(panel.limits, "_clock", lambda: AT)


async def order(caller: Caller, server: Any, index: int) -> int:
    """Give a suspended server an order, every other one a command; the status of the answer."""
    what, body = ("power", {"action": "start"}) if index % 2 else ("command", {"command": "say hello"})
    return (await caller.post(f"/api/v1/servers/{server.id}/{what}", body)).status


@pytest.mark.usefixtures("stopped_clock")
async def test_sixty_first_order_of_a_minute_is_refused_whoever_gives_it(
    user: Caller, admin: Caller, made: Any
) -> None:
    server = await made.server(user.account_id, is_suspended=True)
    another = await made.server(user.account_id, is_suspended=True)

    statuses = [await order(user, server, index) for index in range(60)]
    refused = await admin.post(f"/api/v1/servers/{server.id}/power", {"action": "kill"})
    command = await user.post(f"/api/v1/servers/{server.id}/command", {"command": "say more"})

    assert statuses == [409] * 60
    assert (refused.status, refused.code) == (command.status, command.code) == (429, "rate_limit_exceeded")
    assert int(refused.headers["Retry-After"]) == refused.body["error"]["details"]["retry_after"] >= 1
    assert await order(user, another, 1) == 409


@pytest.mark.usefixtures("stopped_clock")
async def test_orders_are_counted_together_with_other_processes(panel: Panel, user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, is_suspended=True)
    elsewhere = Limits(panel.bus, clock=lambda: AT, share_s=0.001)

    for _index in range(60):
        elsewhere.hit(f"gameservers.orders:{server.id}", limit=60, window_s=60)
    await until(lambda: not elsewhere._changed)

    async def refused() -> bool:
        return await order(user, server, 1) == 429

    await until(refused)
    elsewhere.close()


@pytest.mark.usefixtures("stopped_clock")
async def test_who_may_not_give_orders_uses_none_up(user: Caller, admin: Caller, made: Any) -> None:
    server = await made.server(admin.account_id, is_suspended=True)

    refused = {await order(user, server, index) for index in range(70)}

    assert refused == {404}
    assert await order(admin, server, 1) == 409
