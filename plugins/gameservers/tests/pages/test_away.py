"""What pages say of servers whose node went away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from muntin.database import uuid7
from muntin.events import EventEnvelope
from muntin.panel import Panel
from muntin_gameservers.servers.telling import node_went

from .conftest import Made, Visitor

AGO = timedelta(minutes=5)


@pytest.fixture
def states(panel: Panel) -> Iterator[list[tuple[str, str, str]]]:
    """What pages were told of states: channel, topic, state."""
    heard: list[tuple[str, str, str]] = []

    def note(topic: str, data: Any) -> None:
        heard.append((topic.removeprefix("live."), data["topic"], data.get("state", "")))

    end = panel.bus.subscribe("live.*", note)
    yield heard
    end()


def _event(type_: str, node_id: object) -> EventEnvelope:
    return EventEnvelope(
        id=uuid7(),
        type=type_,
        version=1,
        resource_type="node",
        resource_id=str(node_id),
        sequence=1,
        occurred_at=datetime.now(UTC),
        actor_id=None,
        payload={},
    )


async def test_every_page_says_that_the_node_of_a_server_does_not_answer(
    made: Made, owner: Visitor, boss: Visitor
) -> None:
    node = await made.node(last_seen_at=datetime.now(UTC) - AGO)
    server = await made.server(owner.account_id, node=node, power="running", name="far away")

    pages = [await owner.get(path) for path in ("/", "/servers?search=far", f"/servers/{server.id}")]
    pages += [await boss.get(path) for path in ("/admin/servers?search=far", f"/admin/servers/{server.id}")]

    assert ["Unreachable" in one.text for one in pages] == [True] * 5
    assert "The node of this server does not answer" in pages[2].text


@pytest.mark.parametrize(
    ("node", "server", "word"),
    [
        ({}, {"stage": "installing"}, "Installing"),
        ({}, {"power": "running", "is_suspended": True}, "Suspended"),
        ({"maintenance_mode": True}, {"power": "running"}, "Running"),
    ],
    ids=["installing", "suspended", "in maintenance"],
)
async def test_what_is_known_without_the_node_is_still_said(
    made: Made, owner: Visitor, node: dict[str, Any], server: dict[str, Any], word: str
) -> None:
    away = await made.node(last_seen_at=datetime.now(UTC) - AGO, **node)
    row = await made.server(owner.account_id, node=away, **server)

    shown = await owner.get(f"/servers/{row.id}")

    assert word in shown.text and "Unreachable" not in shown.text


async def test_open_pages_hear_that_a_node_went_and_that_it_is_back(
    panel: Panel, made: Made, owner: Visitor, friend: Visitor, states: list[tuple[str, str, str]]
) -> None:
    node = await made.node()
    server = await made.server(owner.account_id, node=node, power="running")
    await made.server(owner.account_id, node=node, stage="installing")
    await made.share(server, friend)

    await node_went(_event("node.offline", node.id))
    await node_went(_event("node.online", node.id))
    await panel.bus.flush()

    channels = sorted((f"account.{owner.account_id}", f"account.{friend.account_id}", "admin"))
    topic = f"server:{server.id}"
    assert sorted(one for one in states if one[2] == "unreachable") == [(one, topic, "unreachable") for one in channels]
    assert sorted(one for one in states if one[2] == "running") == [(one, topic, "running") for one in channels]
    assert len(states) == 6
