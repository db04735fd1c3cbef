"""Who hears of a game server: its owner by its events, and those it is shared with as long as it is."""

from __future__ import annotations

from typing import Any

from muntin.events import shared_with
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import SubuserRow


async def test_events_of_a_server_are_for_those_it_is_shared_with_now(user: Caller, people: People, made: Any) -> None:
    server, other = await made.server(user.account_id), await made.server(user.account_id)
    friend, former = await people.add("hearing"), await people.add("heard")
    await SubuserRow.create(server_id=server.id, account_id=friend.id, permissions=["control.console"])
    await SubuserRow.create(server_id=server.id, account_id=former.id, permissions=[])
    await SubuserRow.filter(account_id=former.id).delete()

    heard = [
        await shared_with(one, version, str(row.id))
        for one, version, row in (
            ("server.started", 1, server),
            ("server.started", 1, other),
            ("server.started", 99, server),
            ("egg.imported", 1, server),
            ("user.updated", 1, server),
        )
    ]

    assert heard == [{friend.id}, set(), set(), set(), set()]
