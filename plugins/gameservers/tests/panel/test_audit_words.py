"""What the pages say of what was done with servers, nests and eggs."""

from __future__ import annotations

from typing import Any

from muntin.audit.models import AuditRow
from muntin.testing.callers import Caller
from muntin_gameservers.audit_words import WORDS
from muntin_gameservers.remote.activity import EVENTS
from muntin_gameservers.servers.power import ACTIONS


async def test_what_was_done_is_listed_by_event(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id)
    await user.put(f"/api/v1/servers/{server.id}/settings", {"name": "renamed"})
    await user.post(f"/api/v1/servers/{server.id}/reinstall", {})

    renamed = await user.get(f"/api/v1/servers/{server.id}/activity?event=server.renamed")
    family = await user.get(f"/api/v1/servers/{server.id}/activity?event=server.*")

    assert [one["event"] for one in renamed.data] == ["server.renamed"]
    assert sorted(one["event"] for one in family.data) == ["server.reinstall", "server.renamed"]


async def test_every_event_that_is_recorded_has_words(user: Caller) -> None:
    words = {one.event for one in WORDS}

    assert set(EVENTS.values()) <= words
    assert {f"server.power.{action}" for action in ACTIONS} <= words
    assert set(await AuditRow.filter(event__startswith="server.").values_list("event", flat=True)) <= words
