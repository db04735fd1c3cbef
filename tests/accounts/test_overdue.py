"""What stays open ends with its credential, also when nobody takes it away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from muntin.accounts.lookup import by_bearer
from muntin.accounts.models import SessionRow
from muntin.accounts.overdue import end_overdue
from muntin.app import PanelApp
from muntin.call import Call
from muntin.connections import Stream


async def test_stream_of_a_session_that_ran_out_is_ended_and_others_stay(app: PanelApp, people: Any) -> None:
    over, lasting = await people.sign_in("over"), await people.sign_in("lasting")
    streams = [await _stream(app, one.token) for one in (over, lasting)]
    await SessionRow.filter(id=over.session.id).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    ended = await end_overdue(app.panel)

    await asyncio.sleep(0)
    assert ended == 1
    assert [task.cancelled() for task in streams] == [True, False]
    streams[1].cancel()


async def _stream(app: PanelApp, token: str) -> asyncio.Task[None]:
    """Something that is open for whoever holds the token."""
    task = asyncio.create_task(asyncio.sleep(60))
    actor = (await by_bearer(token, "198.51.100.1")).actor
    call = Call(request=None, request_id="test", address=actor.address, secure=False, actor=actor)  # type: ignore[arg-type]  # nothing is asked of it
    app.panel.connections.open.add(Stream(call, task))
    return task
