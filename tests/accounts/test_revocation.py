"""What is taken away is gone at once: here, in other processes, and when a message was missed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from muntin.accounts import credentials
from muntin.accounts.models import AccountRow, SessionRow
from muntin.call import Call
from muntin.database import count_statements, transaction
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.versions import bump

ACCOUNT = "/api/v1/account"


class FakeSocket:
    """Something that stays open, as far as revocations are concerned."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.ended: list[tuple[int, str]] = []

    def end(self, code: int, reason: str) -> None:
        self.ended.append((code, reason))


@pytest.fixture
async def socket(app: Any, ada: Any) -> AsyncIterator[FakeSocket]:
    """A connection that Ada's session holds open."""
    await ada.get(ACCOUNT)
    [kept] = credentials._kept.values()
    call = object.__new__(Call)
    call.actor, call.route = kept.actor, None
    opened: Any = FakeSocket(call)
    app.panel.connections.open.add(opened)
    yield opened
    app.panel.connections.open.discard(opened)


async def test_known_credential_costs_no_statement_and_microseconds(ada: Any, app: Any) -> None:
    await ada.get(ACCOUNT)
    [(secret, address)] = credentials._kept
    call: Any = type("Asking", (), {"bearer": secret, "address": address})()

    with count_statements() as statements:
        began = time.perf_counter()
        for _index in range(1000):
            actor = await credentials.actor_of_bearer(call)
        seconds = time.perf_counter() - began

    assert actor.username == "ada"
    assert statements == []
    assert seconds / 1000 < 50e-6


async def test_actor_is_kept_per_address(ada: Any) -> None:
    here = replace_address(ada, "192.0.2.1")

    await ada.get(ACCOUNT)
    await here.get(ACCOUNT)

    assert sorted(kept.actor.address for kept in credentials._kept.values()) == ["192.0.2.1", "198.51.100.1"]


def replace_address(caller: Any, address: str) -> Any:
    return replace(caller, address=address)


async def test_lowered_role_counts_at_once(people: Any) -> None:
    root = await people.sign_in("root", role_id=ADMIN_ID)
    assert (await root.get("/api/v1/admin/roles")).status == 200

    async with transaction() as events:
        await AccountRow.filter(id=root.account.id).update(role_id=3)
        await credentials.revoke(events, accounts=[root.account.id])

    assert (await root.get("/api/v1/admin/roles")).status == 403


async def test_changed_role_reaches_everybody_who_has_it(ada: Any) -> None:
    await ada.get("/api/v1/account/sessions")

    async with transaction() as events:
        await RoleRow.filter(id=3).update(permissions=["account.read"])
        await credentials.revoke(events, roles=[3])

    assert (await ada.get("/api/v1/account/sessions")).status == 403


async def test_revocation_that_is_rolled_back_revokes_nothing(ada: Any) -> None:
    await ada.get(ACCOUNT)

    with pytest.raises(ValueError, match="changed my mind"):
        async with transaction() as events:
            await SessionRow.all().delete()
            await credentials.revoke(events, sessions=[ada.session.id])
            raise ValueError("changed my mind")

    assert len(credentials._kept) == 1
    assert (await ada.get(ACCOUNT)).status == 200


async def test_open_connections_end_with_the_session(ada: Any, socket: FakeSocket) -> None:
    await ada.delete(f"/api/v1/account/sessions/{ada.session.id}")

    assert (4401, "revoked") in socket.ended


async def test_open_connections_of_others_stay(people: Any, socket: FakeSocket) -> None:
    eve = await people.sign_in("eve")

    await eve.delete(f"/api/v1/account/sessions/{eve.session.id}")

    assert socket.ended == []


async def test_message_of_another_process_is_heard(ada: Any, app: Any, socket: FakeSocket) -> None:
    await SessionRow.all().delete()
    credentials._hear("accounts.revoked", {"number": 1, "sessions": [str(ada.session.id)]})

    assert (await ada.get(ACCOUNT)).status == 401
    assert socket.ended == [(4401, "revoked")]


async def test_missed_message_is_made_up_for_by_the_number(ada: Any, app: Any, socket: FakeSocket) -> None:
    async with transaction():  # what another process does whose message never comes
        await SessionRow.all().delete()
        await bump("accounts")

    assert (await ada.get(ACCOUNT)).status == 200
    await app.panel.versions.look()

    assert (await ada.get(ACCOUNT)).status == 401
    assert socket.ended == [(4401, "revoked")]


async def test_heard_messages_cost_the_others_nothing(ada: Any, people: Any, app: Any, socket: FakeSocket) -> None:
    eve = await people.sign_in("eve")
    await eve.get(ACCOUNT)
    await ada.get(ACCOUNT)

    await eve.delete(f"/api/v1/account/sessions/{eve.session.id}")
    await app.panel.versions.look()

    assert [kept.actor.username for kept in credentials._kept.values()] == ["ada"]
    assert socket.ended == []


async def test_connection_whose_rights_did_not_change_stays_open(app: Any, socket: FakeSocket) -> None:
    async with transaction():
        await bump("accounts")

    await app.panel.versions.look()

    assert socket.ended == []
