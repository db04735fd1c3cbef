"""What open pages are told, and what game servers show in other pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from muntin.bus import Json
from muntin.contributions import SlotContent
from muntin.panel import Panel
from muntin.plugins.registry import Owned
from muntin_gameservers.models import ServerRow
from muntin_gameservers.pages import view
from muntin_gameservers.servers.telling import STOPPED
from muntin_gameservers.servers.usage import UsageTeller

from .conftest import Made, Visitor

MIB = 1024 * 1024
FIGURES: Json = {"cpu_absolute": 12.4, "memory_bytes": 300 * MIB, "state": "running"}


@pytest.fixture
def told(panel: Panel) -> Iterator[list[tuple[str, Any]]]:
    """What pages were told: channel and message."""
    heard: list[tuple[str, Any]] = []
    end = panel.bus.subscribe("live.*", lambda topic, data: heard.append((topic.removeprefix("live."), data)))
    yield heard
    end()


async def heard_by(panel: Panel, told: list[tuple[str, Any]], topic: str) -> dict[str, list[Any]]:
    """Channel -> the messages of a topic, without it."""
    await panel.bus.flush()
    found: dict[str, list[Any]] = {}
    for channel, message in told:
        if message["topic"] == topic:
            found.setdefault(channel, []).append({name: value for name, value in message.items() if name != "topic"})
    return found


async def test_figures_reach_owner_friends_and_administrators_once_in_five_seconds(
    panel: Panel, made: Made, owner: Visitor, friend: Visitor, told: list[tuple[str, Any]]
) -> None:
    server = await made.server(owner.account_id)
    await made.share(server, friend)
    teller, topic = UsageTeller(), f"node.{server.node_id}.gameservers.usage"

    await teller.hear(topic, {"servers": {str(server.id): FIGURES}})
    await teller.hear(topic, {"servers": {str(server.id): FIGURES}})

    values = {"cpu": "12 %", "memory": "300 MiB", "memory_bytes": 300 * MIB}
    assert await heard_by(panel, told, f"usage:{server.id}") == {
        channel: [{"values": values}]
        for channel in (f"account.{owner.account_id}", f"account.{friend.account_id}", "admin")
    }


async def test_a_node_speaks_for_its_own_servers_only(
    panel: Panel, made: Made, owner: Visitor, told: list[tuple[str, Any]]
) -> None:
    server, stranger = await made.server(owner.account_id), await made.node()

    await UsageTeller().hear(f"node.{stranger.id}.gameservers.usage", {"servers": {str(server.id): FIGURES}})

    assert await heard_by(panel, told, f"usage:{server.id}") == {}


async def test_figures_are_taken_from_the_new_node_as_soon_as_the_server_is_there(
    panel: Panel, made: Made, owner: Visitor, told: list[tuple[str, Any]]
) -> None:
    server, other = await made.server(owner.account_id), await made.node()
    teller = UsageTeller()
    figures: Any = {"servers": {str(server.id): FIGURES}}
    await teller.hear(f"node.{other.id}.gameservers.usage", figures)

    await ServerRow.filter(id=server.id).update(node_id=other.id)
    for server_id in ("x", str(server.id)):
        teller.forget({"server_id": server_id})
    await teller.hear(f"node.{server.node_id}.gameservers.usage", figures)
    await teller.hear(f"node.{other.id}.gameservers.usage", figures)

    assert [len(found) for found in (await heard_by(panel, told, f"usage:{server.id}")).values()] == [1, 1]


@pytest.mark.parametrize(
    "data", [None, [], {"servers": []}, {"servers": {"x": {}}}, {"servers": {str(uuid4()): {"memory_bytes": "many"}}},
             {"servers": {str(uuid4()): {}}}]
)  # fmt: skip
async def test_nonsense_of_a_node_is_passed_over(
    panel: Panel, made: Made, data: Any, told: list[tuple[str, Any]]
) -> None:
    node = await made.node()

    await UsageTeller().hear(f"node.{node.id}.gameservers.usage", data)
    await UsageTeller().hear("node.x.gameservers.usage", data)

    assert told == []


async def test_suspending_is_told_and_clears_the_figures(
    panel: Panel, made: Made, boss: Visitor, owner: Visitor, told: list[tuple[str, Any]]
) -> None:
    server = await made.server(owner.account_id, power="running")

    await boss.post(f"/admin/servers/{server.id}/suspend")
    await boss.post(f"/admin/servers/{server.id}/unsuspend")

    states = await heard_by(panel, told, f"server:{server.id}")
    figures = await heard_by(panel, told, f"usage:{server.id}")
    assert [one["state"] for one in states[f"account.{owner.account_id}"]] == ["suspended", "running"]
    assert figures["admin"] == [{"values": dict(STOPPED)}]


async def test_the_dashboard_shows_own_and_shared_servers_and_follows_them(
    made: Made, owner: Visitor, friend: Visitor, other: Visitor
) -> None:
    server = await made.server(owner.account_id)
    await made.share(server, friend)

    shown = [await one.get("/") for one in (owner, friend, other)]

    assert [f'data-live="server:{server.id}"' in one.text for one in shown] == [True, True, False]
    assert "No game server yet" in shown[2].text and "Make the first one" not in shown[2].text
    assert shown[0].text.count("<muntin-live") == 1


async def test_search_finds_what_one_may_see(made: Made, owner: Visitor, other: Visitor, boss: Visitor) -> None:
    server = await made.server(owner.account_id, name="needle in the hay")

    shown = [await one.get("/search?q=needle") for one in (owner, boss, other)]

    assert [f'href="/servers/{server.id}"' in one.text for one in shown] == [True, True, False]


async def test_the_overview_names_failed_installs(made: Made, boss: Visitor, owner: Visitor) -> None:
    server = await made.server(owner.account_id, stage="install_failed")

    shown = await boss.get("/admin")

    assert f'href="/servers/{server.id}"' in shown.text and "could not be installed" in shown.text


async def test_another_plugin_adds_a_tab(
    panel: Panel, made: Made, owner: Visitor, other: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await made.server(owner.account_id)

    async def load(actor: Any, values: Any) -> Any:
        return {"servers": [{"path": "/", "name": f"shown for {values['server'].name}", "status": "running"}]}

    content = SlotContent(slot=view.TABS_SLOT, template="gameservers/found.html", load=load, title="World map")
    owned = panel.registry.owned

    def with_tab(kind: type[Any]) -> Any:
        return (*owned(kind), Owned("maps", content)) if kind is SlotContent else owned(kind)

    monkeypatch.setattr(panel.registry, "owned", with_tab)
    path = f"/servers/{server.id}/more/maps-world-map"

    first, tab, refused = await owner.get(f"/servers/{server.id}"), await owner.get(path), await other.get(path)

    assert f'href="{path}"' in first.text
    assert f"shown for {server.name}" in tab.text and f'href="{path}" aria-current="page"' in tab.text
    assert refused.status == 404
    assert await ServerRow.exists(id=server.id)
