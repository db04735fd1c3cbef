"""A ticket opens one console, once, soon, and only while who asked for it may still watch."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quart.testing.connections import WebsocketDisconnectError, WebsocketResponseError

from muntin.accounts.models import AccountRow
from muntin.app import PanelApp
from muntin.roles.models import USER_ID
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import ServerRow, SubuserRow, TicketRow


@pytest.fixture
async def owner(people: People) -> Caller:
    """Somebody of their own for each test."""
    return await people.sign_in(f"owner{await AccountRow.all().count()}", role_id=USER_ID)


@pytest.fixture
async def server(owner: Caller, made: Any) -> ServerRow:
    """Their server; its node does not answer, which is shown in the console."""
    row: ServerRow = await made.server(
        owner.account_id, await made.node(fqdn="127.0.0.1", scheme="http", daemon_port=1)
    )
    return row


async def ticket_of(caller: Caller, server: ServerRow) -> str:
    """A fresh ticket."""
    answer = await caller.post(f"/api/v1/servers/{server.id}/ws-ticket")
    return str(answer.data["ticket"])


async def outcome(app: PanelApp, server: object, **query: str) -> int | str:
    """What opening the console ends with: the status of the refusal, or `open`."""
    client = app.test_client(use_cookies=False)
    try:
        async with asyncio.timeout(30):
            async with client.websocket(f"/api/v1/servers/{server}/ws", query_string=query) as line:
                await line.receive()
                return "open"
    except WebsocketResponseError as error:
        return error.response.status_code
    except WebsocketDisconnectError as error:
        return f"closed {error.args[0]}"


async def test_ticket_opens_its_console_once(app: PanelApp, owner: Caller, server: ServerRow) -> None:
    ticket = await ticket_of(owner, server)

    both = await asyncio.gather(outcome(app, server.id, ticket=ticket), outcome(app, server.id, ticket=ticket))

    assert sorted(both, key=str) == [401, "open"]
    assert await outcome(app, server.id, ticket=ticket) == 401


async def test_ticket_opens_no_other_console(app: PanelApp, owner: Caller, server: ServerRow, made: Any) -> None:
    other = await made.server(owner.account_id)

    assert await outcome(app, other.id, ticket=await ticket_of(owner, server)) == 401


async def test_ticket_dies_with_the_session_that_asked_for_it(app: PanelApp, owner: Caller, server: ServerRow) -> None:
    ticket = await ticket_of(owner, server)
    assert (await owner.post("/api/v1/auth/logout")).status == 204

    assert await outcome(app, server.id, ticket=ticket) == 401


async def test_ticket_dies_with_the_account_and_the_key(
    app: PanelApp, owner: Caller, admin: Caller, people: People, server: ServerRow
) -> None:
    made = (await owner.post("/api/v1/account/api-keys", {"description": "console"})).data
    by_key, by_session = await ticket_of(people.bearer(made["token"]), server), await ticket_of(owner, server)
    assert (await owner.delete(f"/api/v1/account/api-keys/{made['id']}")).status == 204
    assert (await admin.put(f"/api/v1/admin/users/{owner.account_id}", {"status": "suspended"})).status == 200

    assert [await outcome(app, server.id, ticket=one) for one in (by_key, by_session)] == [401, 401]


async def test_ticket_acts_with_the_rights_of_now(
    app: PanelApp, owner: Caller, people: People, server: ServerRow
) -> None:
    friend = await people.sign_in(f"friend of {server.short_id}".replace(" ", "-"))
    shared = await SubuserRow.create(server_id=server.id, account_id=friend.account_id, permissions=["control.console"])
    ticket = await ticket_of(friend, server)
    await shared.delete()

    assert await outcome(app, server.id, ticket=ticket) == 404


async def test_lowered_role_lowers_the_ticket(app: PanelApp, admin: Caller, people: People, server: ServerRow) -> None:
    wanted = {
        "name": "watchers",
        "slug": f"watchers-{server.short_id}",
        "permissions": ["admin.servers.list", "control.*"],
    }
    role = (await admin.post("/api/v1/admin/roles", wanted)).data
    watcher = await people.sign_in(f"watcher-{server.short_id}", role_id=role["id"])
    ticket = await ticket_of(watcher, server)
    assert (await admin.put(f"/api/v1/admin/roles/{role['id']}", {"permissions": []})).status == 200

    assert await outcome(app, server.id, ticket=ticket) in (401, 404)


async def test_old_ticket_is_none(app: PanelApp, owner: Caller, server: ServerRow) -> None:
    ticket = await ticket_of(owner, server)
    await TicketRow.filter(server_id=server.id).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert await outcome(app, server.id, ticket=ticket) == 401


async def test_stranger_learns_no_names_of_servers(app: PanelApp, server: ServerRow) -> None:
    tried = [await outcome(app, one) for one in (server.id, server.short_id, "00000000", "nothing")]
    with_ticket = [await outcome(app, one, ticket="x") for one in (server.id, server.short_id, "00000000", "nothing")]

    assert tried + with_ticket == [401] * 8
