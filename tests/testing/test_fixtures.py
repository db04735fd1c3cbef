"""The fixtures that plugin authors get do what their page says."""

from __future__ import annotations

import sys
import time

from muntin.access import Actor
from muntin.app import PanelApp, create_app
from muntin.bus.local import LocalBus
from muntin.clock import now, now_s
from muntin.configuration import Configuration
from muntin.database import transaction
from muntin.jobs.models import JobRow
from muntin.mail import send
from muntin.testing import Accounts, Caller, Clock, Mailbox, Outbox, RunningNode, Visitor

READY_CPU_S = 1.0


def test_panel_is_made_in_less_than_a_second(panel_configuration: Configuration) -> None:
    began_s = time.process_time()

    create_app(panel_configuration, bus=LocalBus())

    took_s = time.process_time() - began_s
    sys.stdout.write(f"a panel takes {took_s:.2f} s of a core\n")
    assert took_s < READY_CPU_S


async def test_account_is_caller_visitor_and_actor_of_one_person(account: Accounts) -> None:
    row = await account("ada", role="moderator")

    caller, visitor, actor = await account.caller("ada"), await account.visitor("ada"), await account.actor("ada")

    assert {caller.account_id, visitor.account_id, actor.account_id} == {row.id}
    assert (await caller.get("/api/v1/account")).data["username"] == "ada"
    assert "ada" in (await visitor.get("/account")).text
    assert actor.role_slug == "moderator"


async def test_client_is_an_administrator_and_user_is_none(client: Caller, user: Caller, actor: Actor) -> None:
    path = "/api/v1/admin/users"

    assert [(await one.get(path)).status for one in (client, user)] == [200, 403]
    assert actor.account_id == user.account_id


def test_time_stands_still_until_it_is_advanced(clock: Clock) -> None:
    before_s, before = now_s(), now()

    clock.advance(30, minutes=2, hours=1, days=1)

    assert now_s() - before_s == 30 + 2 * 60 + 3600 + 86_400
    assert (now() - before).total_seconds() == now_s() - before_s


async def test_cron_runs_once_its_time_has_come(clock: Clock, outbox: Outbox) -> None:
    early = await outbox.relay()

    clock.advance(days=1)
    late = await outbox.relay()

    crons = {job.name for job in late}
    assert [job.name for job in early if job.name in crons] == []
    assert len(crons) == len(late) > 0
    assert await JobRow.filter(state="failed").count() == 0


async def test_events_of_this_test_are_recorded(account: Accounts, outbox: Outbox) -> None:
    row = await account("grace")

    recorded = await outbox.recorded("user.*")

    assert [(one.type, one.resource_id) for one in recorded] == [("user.created", str(row.id))]


async def test_mail_arrives_when_what_waits_is_relayed(mailbox: Mailbox, outbox: Outbox) -> None:
    async with transaction() as events:
        await send(events, "core.test", to="ada@example.com")
    before = list(mailbox.mails)

    await outbox.relay()

    assert before == []
    assert [(one["To"], one["From"].addresses[0].addr_spec) for one in mailbox.mails] == [
        ("ada@example.com", "panel@example.org")
    ]


async def test_node_speaks_with_the_panel(node: RunningNode, client: Caller) -> None:
    shown = (await client.get(f"/api/v1/admin/nodes/{node.row.id}")).data
    figures = await client.get(f"/api/v1/admin/nodes/{node.row.id}/stats")

    assert shown["status"] == "online"
    assert figures.status == 200
    assert figures.data["memory"]["total"] > 0


async def test_visitor_sends_forms_with_the_proof_of_the_page(visitor: Visitor, app: PanelApp) -> None:
    refused = await visitor.post("/sign-out", {}, proof="wrong")
    taken = await visitor.post("/sign-out", {})

    assert refused.status == 403
    assert (taken.status, taken.path) == (303, "/sign-in")
