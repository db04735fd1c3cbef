"""What leaves, in which order, how often, and signed how."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from muntin.jobs.testing import FakeClock
from muntin.testing.callers import Caller
from muntin.testing.waiting import until
from muntin_webhooks.models import DeliveryRow

from .conftest import all_over, all_tried, event, make_webhook, queue_many, record, sending, state_counts, switched_off
from .receiving import Received, Receiver, Said, receiving


async def test_receiver_with_the_public_library_accepts_what_is_sent(
    admin: Caller, receiver: Receiver, clean: None
) -> None:
    hook = await make_webhook(admin, receiver.url)
    told = event(payload={"name": "lobby", "größe": "ü"}, sequence=7)

    async with sending():
        await record(told)
        await all_over()

    [one] = receiver.received
    body = Webhook(hook["secret"]).verify(one.body, one.headers)
    assert body == {
        "id": str(told.id),
        "event": "server.started",
        "timestamp": told.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {"name": "lobby", "größe": "ü"},
        "version": 1,
        "resource": {"type": "server", "id": told.resource_id, "sequence": 7},
    }
    assert one.headers["webhook-id"] == str(told.id)
    assert one.headers["x-webhook-event"] == "server.started"
    assert one.headers["x-webhook-sequence"] == "7"
    assert await state_counts(hook["id"]) == {"success": 1}


async def test_second_signature_is_good_for_the_public_key(admin: Caller, receiver: Receiver, clean: None) -> None:
    hook = await make_webhook(admin, receiver.url)

    async with sending():
        await record(event())
        await all_over()

    [one] = receiver.received
    signatures = dict(part.split(",", 1) for part in one.headers["webhook-signature"].split(" "))
    key = Ed25519PublicKey.from_public_bytes(b64decode(hook["public_key"].removeprefix("whpk_")))
    message = f"{one.id}.{one.headers['webhook-timestamp']}.".encode() + one.body
    key.verify(b64decode(signatures["v1a"]), message)  # raises when it is not right
    assert list(signatures) == ["v1", "v1a"]


async def test_event_that_is_told_twice_is_sent_once(admin: Caller, receiver: Receiver, clean: None) -> None:
    hook = await make_webhook(admin, receiver.url)
    told = event()

    async with sending():
        await record(told)
        await record(told)
        await all_over()
        await record(told)
        await all_over()

    assert [one.id for one in receiver.received] == [str(told.id)]
    assert await state_counts(hook["id"]) == {"success": 1}


async def test_repeat_carries_the_same_id_and_success_ends_it(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    hook = await make_webhook(admin, receiver.url)
    receiver.answer = lambda one: Said(200 if len(receiver.received) > 2 else 500)

    async with sending() as sender:
        await record(event())
        for tries in (1, 2, 3):
            await until(lambda tries=tries: len(receiver.received) == tries)  # type: ignore[misc]
            await all_tried(sender)
            fake_clock.advance(3600)
            sender.wake()
        await all_over()
        fake_clock.advance(500_000)
        await all_tried(sender)

    assert len(receiver.received) == 3
    assert len({one.id for one in receiver.received}) == 1
    assert len({one.headers["x-webhook-delivery"] for one in receiver.received}) == 1
    row = await DeliveryRow.get(endpoint_id=hook["id"])
    assert (row.state, row.attempts, [one["status_code"] for one in row.history]) == ("success", 3, [500, 500])


async def test_first_attempts_of_a_resource_leave_in_order_though_some_fail(
    admin: Caller, clean: None, fake_clock: FakeClock
) -> None:
    def answer(one: Received) -> Said:
        number = one.json["data"]["number"]
        return Said(503 if number % 7 == 3 else 200, after_s=0.002 * (number % 3))

    async with receiving(answer) as receiver, sending() as sender:
        hook = await make_webhook(admin, receiver.url)
        await queue_many([hook["id"]], 300, resources=10)
        await all_tried(sender)
        first: dict[str, list[int]] = {}
        seen: set[str] = set()
        for one in receiver.received:
            if one.id not in seen:
                seen.add(one.id)
                resource = one.json["resource"]
                first.setdefault(resource["id"], []).append(resource["sequence"])
    assert first == {f"resource-{index}": list(range(1, 31)) for index in range(10)}


async def test_slow_receiver_delays_nobody_else(admin: Caller, clean: None) -> None:
    async def never(one: Received) -> Said:
        await asyncio.sleep(3600)
        return Said()

    async with receiving(never) as slow, receiving() as quick, sending():
        waits = await make_webhook(admin, slow.url)
        hook = await make_webhook(admin, quick.url)
        await queue_many([waits["id"]], 50)
        await until(lambda: bool(slow.received))
        await queue_many([hook["id"]], 200)
        await until(lambda: len(quick.received) == 200)

        assert slow.at_once <= 16


async def test_new_event_is_sent_while_an_earlier_one_is_under_way(admin: Caller, clean: None) -> None:
    release = asyncio.Event()

    async def first_waits(one: Received) -> Said:
        if one.json["data"].get("wait"):
            await release.wait()
        return Said()

    async with receiving(first_waits) as receiver, sending() as sender:
        await make_webhook(admin, receiver.url)
        await record(event(payload={"wait": True}))
        sender.wake()
        await until(lambda: len(receiver.received) == 1)
        await record(event(payload={"wait": False}))
        sender.wake()
        await until(lambda: len(receiver.received) == 2)
        release.set()
        await all_over()


async def test_large_data_is_sent_by_reference(admin: Caller, receiver: Receiver, clean: None, panel: Any) -> None:
    await make_webhook(admin, receiver.url)
    large = {"name": "lobby", "text": "x" * 30_000}

    async with sending():
        await record(event(payload=large))
        await all_over()

    [one] = receiver.received
    assert len(one.body) < 20_000
    assert one.json["data"] == {}
    path = one.json["data_url"].removeprefix("https://panel.example.test")
    assert (await admin.get(path)).data["data"] == large


async def test_gone_switches_the_webhook_off_at_once(admin: Caller, receiver: Receiver, clean: None) -> None:
    hook = await make_webhook(admin, receiver.url)
    receiver.answer = lambda one: Said(410)

    async with sending():
        await record(event())
        await switched_off(hook["id"])

    assert await state_counts(hook["id"]) == {"failed": 1}
    shown = (await admin.get(f"/api/v1/admin/webhooks/{hook['id']}")).data
    assert (shown["enabled"], shown["last_status"]) == (False, 410)


async def test_redirects_are_failures_and_nobody_follows_them(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    hook = await make_webhook(admin, receiver.url)
    async with receiving() as elsewhere, sending() as sender:
        receiver.answer = lambda one: Said(307, {"Location": elsewhere.url})
        await record(event())
        await all_tried(sender)

        assert elsewhere.received == []
    row = await DeliveryRow.get(endpoint_id=hook["id"])
    assert (row.state, row.status_code) == ("retry", 307)
