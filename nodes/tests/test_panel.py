from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from muntin_node.config import NodeConfig
from muntin_node.config_store import ConfigStore
from muntin_node.errors import PanelRefused, PanelUnreachable
from muntin_node.panel import Backoff, PanelClient

QUICK = Backoff(first_s=0.01, longest_s=0.05, total_s=60)
SOON_OVER = Backoff(first_s=0.01, longest_s=0.05, total_s=0.4)
MakeConfig = Callable[..., NodeConfig]


@pytest.fixture
async def store(make_config: MakeConfig, panel: Any) -> ConfigStore:
    custom = {"X-Extra": "1", "authorization": "Bearer other"}
    return ConfigStore(make_config(remote=panel.url, remote_query={"custom_headers": custom}))


@pytest.fixture
async def client(store: ConfigStore) -> AsyncIterator[PanelClient]:
    client = PanelClient(store, backoff=QUICK)
    yield client
    await client.close()


async def test_a_call_carries_the_headers_of_the_protocol(client: PanelClient, panel: Any) -> None:
    panel.answers.append((200, {"data": []}))

    answer = await client.get("/servers", params={"page": "0"})

    assert answer == {"data": []}
    call = panel.calls[0]
    assert (call["method"], call["path"], call["args"]) == ("GET", "/api/remote/servers", {"page": "0"})
    wanted = ("Authorization", "User-Agent", "Accept", "Content-Type", "X-Extra")
    assert {name: call["headers"].get(name) for name in wanted} == {
        "Authorization": "Bearer abcdefgh12345678.t0ken" + "x" * 59,
        "User-Agent": "Pterodactyl Wings/v0.1.0 (id:abcdefgh12345678)",
        "Accept": "application/vnd.pterodactyl.v1+json",
        "Content-Type": "application/json",
        "X-Extra": "1",
    }


async def test_a_failing_panel_is_asked_again_until_it_answers(client: PanelClient, panel: Any) -> None:
    panel.answers += [(500, {}), (502, "<html>"), (302, {}), (429, {}), (200, {"ok": True})]

    answer = await client.post("/activity", json={"data": [1]})

    assert answer == {"ok": True}
    assert [call["body"] for call in panel.calls] == ['{"data": [1]}'] * 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_a_refusal_is_never_tried_again(client: PanelClient, panel: Any, status: int) -> None:
    panel.answers.append((status, {"errors": [{"code": "x", "status": str(status), "detail": "no"}]}))

    with pytest.raises(PanelRefused) as refused:
        await client.get("/servers/x")

    assert (refused.value.panel_status, len(panel.calls)) == (status, 1)
    assert '"detail": "no"' in refused.value.body


async def test_a_panel_that_is_away_is_reported_when_the_time_is_up(make_config: MakeConfig) -> None:
    client = PanelClient(ConfigStore(make_config(remote="http://127.0.0.1:9")), backoff=SOON_OVER)
    started_s = time.monotonic()

    with pytest.raises(PanelUnreachable):
        await client.get("/servers")

    assert time.monotonic() - started_s < 20
    await client.close()


async def test_an_empty_answer_is_none_and_a_body_left_out_is_null(client: PanelClient, panel: Any) -> None:
    panel.answers.append((204, ""))

    answer = await client.post("/servers/reset")

    assert answer is None
    assert panel.calls[0]["body"] == "null"


async def test_an_answer_that_is_not_json_is_no_answer(client: PanelClient, panel: Any) -> None:
    panel.answers.append((200, "<html>"))

    with pytest.raises(PanelUnreachable):
        await client.get("/servers")


async def test_rotated_credentials_are_used_by_the_next_attempt(
    client: PanelClient, store: ConfigStore, panel: Any
) -> None:
    await store.replace(store.current.model_copy(update={"token_id": "new0000000000000", "token": "fresh"}))

    await client.get("/servers")

    assert panel.calls[0]["headers"]["Authorization"] == "Bearer new0000000000000.fresh"


def test_waits_grow_to_their_bound_with_some_chance() -> None:
    backoff = Backoff()

    waits = [[backoff.wait_s(attempt) for _ in range(50)] for attempt in (0, 20)]

    assert all(0.25 <= wait <= 0.75 for wait in waits[0])
    assert all(6 <= wait <= 18 for wait in waits[1])
    assert len(set(waits[0])) > 10
