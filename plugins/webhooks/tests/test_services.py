"""Webhooks by the API: the contract's shapes, secrets, redelivery, replay, figures."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from muntin.audit.models import AuditRow
from muntin.jobs.testing import FakeClock
from muntin.testing.callers import Caller
from muntin_webhooks.audit_words import WORDS
from muntin_webhooks.deliveries.housekeeping import forget_old
from muntin_webhooks.models import DeliveryRow, EndpointRow, MessageRow

from .conftest import all_over, all_tried, event, make_webhook, record, replayed, sending, state_counts
from .receiving import Receiver, Said

ADMIN = "/api/v1/admin/webhooks"
CONTRACT = ("id", "name", "type", "url", "has_secret", "events", "enabled", "last_status", "created_at")
DELIVERY = ("id", "event", "status", "status_code", "attempt", "response_time_ms", "error", "created_at")


async def test_webhook_of_the_contract_is_made_changed_listed_and_deleted(admin: Caller, clean: None) -> None:
    body = {"name": "Ops", "type": "custom", "url": "https://example.com/x", "secret": "hook-secret", "events": ["*"]}

    made = await admin.post(ADMIN, body)
    changed = await admin.put(f"{ADMIN}/{made.data['id']}", {"name": "Ops 2", "enabled": False})
    listed = await admin.get(ADMIN)
    gone = await admin.delete(f"{ADMIN}/{made.data['id']}")

    assert made.status == 201
    shown = {name: made.data[name] for name in CONTRACT if name not in ("id", "created_at")}
    assert shown == {"name": "Ops", "type": "custom", "url": "https://example.com/x", "has_secret": True,
                     "events": ["*"], "enabled": True, "last_status": None}  # fmt: skip
    assert made.data["secret"] == "hook-secret"
    assert (changed.data["name"], changed.data["enabled"], changed.data["url"]) == ("Ops 2", False, shown["url"])
    assert "secret" not in changed.data
    assert [one["name"] for one in listed.data] == ["Ops 2"]
    assert listed.body["meta"]["total"] == 1
    assert gone.status == 204
    assert await EndpointRow.all().count() == 0


def test_signature_of_the_contract_is_right() -> None:
    body = (
        b'{"id":"0b6d2d5e-9d0a-4d8e-8d6f-2f6f0f5b7a11","event":"server.created","timestamp":"2026-03-07T12:00:00Z",'
        b'"data":{"server_id":"a1b2c3d4-e5f6-4890-abcd-ef1234567890"}}'
    )

    found = hmac.new(b"hook-secret", body, hashlib.sha256).hexdigest()

    assert found == "c9e381c18723a52542c76783b8204727a88939d565c70f9c9cfa179a91fcc175"


async def test_header_of_the_contract_signs_the_body_with_the_secret_as_written(
    admin: Caller, receiver: Receiver, clean: None
) -> None:
    await make_webhook(admin, receiver.url, secret="hook-secret")

    async with sending():
        await record(event())
        await all_over()

    [one] = receiver.received
    assert one.headers["x-webhook-signature"] == hmac.new(b"hook-secret", one.body, hashlib.sha256).hexdigest()
    assert Webhook(b"hook-secret").verify(one.body, one.headers) == one.json


async def test_both_secrets_are_good_until_the_old_one_runs_out(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    hook = await make_webhook(admin, receiver.url)
    rotated = await admin.post(f"{ADMIN}/{hook['id']}/secret", {"overlap_hours": 2})
    old, new = Webhook(hook["secret"]), Webhook(rotated.data["secret"])

    async with sending() as sender:
        await record(event())
        await all_tried(sender)
        fake_clock.advance(3 * 3600)
        await record(event())
        await all_tried(sender)

    first, second = receiver.received
    assert old.verify(first.body, first.headers) == new.verify(first.body, first.headers) == first.json
    assert len(first.headers["webhook-signature"].split()) == 4
    assert len(second.headers["webhook-signature"].split()) == 2
    assert second.headers["webhook-signature"].split()[0].startswith("v1,")


async def test_too_many_overlapping_secrets_are_refused(admin: Caller, clean: None) -> None:
    hook = await make_webhook(admin, "https://example.com/x")

    statuses = [(await admin.post(f"{ADMIN}/{hook['id']}/secret", {})).status for _time in range(4)]

    assert statuses == [200, 200, 409, 409]


async def test_test_event_is_sent_at_once_and_told(admin: Caller, receiver: Receiver, clean: None) -> None:
    hook = await make_webhook(admin, receiver.url, enabled=False)

    good = await admin.post(f"{ADMIN}/{hook['id']}/test")
    receiver.answer = lambda one: Said(418)
    bad = await admin.post(f"{ADMIN}/{hook['id']}/test")

    shown = [{name: one.data[name] for name in ("event", "status", "status_code", "attempt")} for one in (good, bad)]
    assert good.status == 200
    assert set(DELIVERY) <= set(good.data)
    assert shown == [
        {"event": "webhook.test", "status": "success", "status_code": 200, "attempt": 1},
        {"event": "webhook.test", "status": "failed", "status_code": 418, "attempt": 1},
    ]


async def test_redelivery_carries_the_same_id_in_a_delivery_of_its_own(
    admin: Caller, receiver: Receiver, clean: None
) -> None:
    hook = await make_webhook(admin, receiver.url)
    async with sending():
        await record(event())
        await all_over()
        [first] = (await admin.get(f"{ADMIN}/{hook['id']}/deliveries")).data
        again = await admin.post(f"{ADMIN}/{hook['id']}/deliveries/{first['id']}/redeliver")
        await all_over()

    assert again.status == 202
    assert [one.id for one in receiver.received] == [first["event_id"]] * 2
    assert len({one.headers["x-webhook-delivery"] for one in receiver.received}) == 2


async def test_replay_sends_what_was_missed_while_the_webhook_was_off_in_order(
    admin: Caller, receiver: Receiver, clean: None
) -> None:
    hook = await make_webhook(admin, receiver.url)
    sent = [event(resource_id="r", sequence=number) for number in range(1, 7)]
    async with sending():
        for one in sent[:2]:
            await record(one)
        await all_over()
        await admin.put(f"{ADMIN}/{hook['id']}", {"enabled": False})
        for one in sent[2:]:
            await record(one)
        await admin.put(f"{ADMIN}/{hook['id']}", {"enabled": True})
        since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        ordered = await admin.post(f"{ADMIN}/{hook['id']}/replay", {"since": since})
        queued = await replayed()
        await all_over()
        again = await admin.post(f"{ADMIN}/{hook['id']}/replay", {"since": since})

    assert (ordered.status, ordered.data["name"], ordered.data["state"]) == (202, "webhooks.replay", "queued")
    assert (queued, await replayed()) == ([4], [0])
    assert (await admin.get(again.headers["Location"])).data["progress"]["percent"] == 100
    assert [one.id for one in receiver.received] == [str(one.id) for one in sent]


async def test_figures_count_the_day(admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock) -> None:
    await make_webhook(admin, receiver.url, retry_count=0)
    receiver.answer = lambda one: Said(500 if one.json["data"]["number"] % 5 == 0 else 200)
    async with sending() as sender:
        for number in range(20):
            await record(event(payload={"number": number}))
        await all_tried(sender)

    found = (await admin.get(f"{ADMIN}/statistics")).data
    fake_clock.advance(25 * 3600)
    later = (await admin.get(f"{ADMIN}/statistics")).data

    assert [found[name] for name in ("total_webhooks", "active_webhooks", "total_deliveries_24h")] == [1, 1, 20]
    assert (found["successful_deliveries_24h"], found["failed_deliveries_24h"]) == (16, 4)
    assert found["success_rate_24h"] == 80.0
    assert sum(hour["delivered"] + hour["failed"] for hour in found["hours"]) == 20
    assert later["total_deliveries_24h"] == 0


async def test_old_deliveries_and_messages_are_forgotten(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    hook = await make_webhook(admin, receiver.url)
    await record(event())
    fake_clock.advance(31 * 24 * 3600)
    await record(event())

    gone = await forget_old(None)  # type: ignore[arg-type]  # it does not look at its job

    assert gone == 1
    assert await state_counts(hook["id"]) == {"fresh": 1}
    assert await MessageRow.all().count() == 1


async def test_catalogue_for_accounts_leaves_out_what_concerns_nobody(admin: Caller, user: Caller) -> None:
    own = {one["type"] for one in (await user.get("/api/v1/webhooks/events")).data}
    everything = {one["type"] for one in (await admin.get(f"{ADMIN}/events")).data}

    assert {"user.updated", "webhook.disabled"} <= own
    assert not own & {"node.offline", "settings.changed", "role.created"}
    assert {"node.offline", "settings.changed"} | own <= everything


async def test_delivery_log_is_filtered_and_bounded(admin: Caller, receiver: Receiver, clean: None) -> None:
    hook = await make_webhook(admin, receiver.url)
    async with sending():
        for number in range(3):
            await record(event(payload={"number": number}))
        await all_over()

    found = await admin.get(f"{ADMIN}/{hook['id']}/deliveries?status=success&per_page=2&sort=-created_at")
    none = await admin.get(f"{ADMIN}/{hook['id']}/deliveries?status=failed")
    wrong = await admin.get(f"{ADMIN}/{hook['id']}/deliveries?status=nonsense")

    assert (len(found.data), found.body["meta"]["total"], none.data, wrong.status) == (2, 3, [], 400)
    assert await DeliveryRow.filter(endpoint_id=hook["id"]).count() == 3


async def test_audit_log_says_in_words_what_was_done(admin: Caller, receiver: Receiver, clean: None) -> None:
    hook = await make_webhook(admin, receiver.url)
    one = f"{ADMIN}/{hook['id']}"

    await admin.post(f"{one}/test")
    await admin.post(f"{one}/secret", {})
    await admin.put(one, {"name": "Ops 2"})
    await admin.delete(one)

    entries = await AuditRow.filter(subject_id=hook["id"]).order_by("id")
    done = ["webhook.created", "webhook.tested", "webhook.rotated", "webhook.updated", "webhook.deleted"]
    assert sorted(entry.event for entry in entries) == sorted(done)
    assert set(done) <= {words.event for words in WORDS}
