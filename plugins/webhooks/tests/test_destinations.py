"""What chat services and other plugins' destinations are sent."""

from __future__ import annotations

from typing import Any

import pytest

from muntin.jobs.testing import FakeClock
from muntin.testing.callers import Caller
from muntin_webhooks.destinations.destination import MASK
from muntin_webhooks.models import DeliveryRow, EndpointRow

from .conftest import all_tried, event, make_webhook, record, sending, state_counts, switched_off
from .receiving import Received, Receiver, Said

TOKEN = "123456:ABCdefGHIjklMNOpqrSTUvwxYZ012345678"
HOSTILE = {"name": "<!channel> *@everyone* [a](b) `x` <script>", "reason": "a\nb\x07c", "big": "y" * 9000, "flag": True}


async def _sent(receiver: Receiver, payload: dict[str, Any]) -> Received:
    async with sending() as sender:
        await record(event("server.suspended", payload=payload))
        await all_tried(sender)
    [one] = receiver.received
    return one


async def test_slack_gets_text_and_blocks(admin: Caller, receiver: Receiver, clean: None) -> None:
    await make_webhook(admin, receiver.url, type="slack", config={"channel": "#ops"})

    one = await _sent(receiver, HOSTILE)

    body = one.json
    assert body["channel"] == "#ops"
    assert body["text"].startswith("server.suspended: &lt;!channel&gt;")
    assert "<!channel>" not in one.body.decode()
    assert {block["type"] for block in body["blocks"]} == {"section", "context"}
    assert len(one.body) < 20_000
    assert "webhook-signature" not in one.headers


async def test_discord_gets_an_embed_that_mentions_nobody(admin: Caller, receiver: Receiver, clean: None) -> None:
    await make_webhook(admin, receiver.url, type="discord", config={"username": "Panel"})
    receiver.answer = lambda one: Said(204, body=b"")

    one = await _sent(receiver, HOSTILE)

    [embed] = one.json["embeds"]
    assert one.json["allowed_mentions"] == {"parse": []}
    assert one.json["username"] == "Panel"
    assert embed["title"].startswith("server.suspended\\: \\<!channel\\>") or "\\@everyone" in embed["title"]
    assert all(len(field["value"]) <= 1024 for field in embed["fields"])


@pytest.mark.parametrize(("mode", "bold"), [("HTML", "<b>"), ("Markdown", "*server.suspended")])
async def test_telegram_gets_a_message_in_its_markup(
    admin: Caller, receiver: Receiver, clean: None, mode: str, bold: str
) -> None:
    config = {"bot_token": TOKEN, "chat_id": "-100123", "parse_mode": mode}
    await make_webhook(admin, f"http://127.0.0.1:{receiver.port}", type="telegram", config=config)
    receiver.answer = lambda one: Said(body=b'{"ok": true}')

    one = await _sent(receiver, HOSTILE)

    assert one.path == f"/bot{TOKEN}/sendMessage"
    assert (one.json["chat_id"], one.json["parse_mode"]) == ("-100123", mode)
    assert bold in one.json["text"]
    assert "<script>" not in one.json["text"] or mode == "Markdown"
    assert len(one.json["text"]) <= 4096


async def test_secrets_stand_in_no_answer_and_no_log(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    config = {"bot_token": TOKEN, "chat_id": "@ops"}
    hook = await make_webhook(admin, f"http://127.0.0.1:{receiver.port}", type="telegram", config=config)
    receiver.answer = lambda one: Said(500, body=f"no such bot {TOKEN}".encode())
    await _sent(receiver, {})

    delivery = await DeliveryRow.get(endpoint_id=hook["id"])
    path = f"/api/v1/admin/webhooks/{hook['id']}"
    answers = [await admin.get(one) for one in (path, f"{path}/deliveries", f"{path}/deliveries/{delivery.id}")]

    assert [one.status for one in answers] == [200, 200, 200]
    assert [TOKEN in str(one.body) for one in answers] == [False] * 3
    assert answers[0].data["config"]["bot_token"] == "********"
    assert TOKEN not in (await EndpointRow.get(id=hook["id"])).config
    assert delivery.response == "no such bot ********"


async def test_secrets_do_not_go_to_another_host_unless_they_are_typed_once_more(admin: Caller, clean: None) -> None:
    bot = {"bot_token": TOKEN, "chat_id": "@ops"}
    telegram = await make_webhook(admin, "https://bots.example.com", type="telegram", config=bot)
    plain = await make_webhook(admin, "https://example.com/a", config={"headers": {"X-Key": "confidential"}})
    paths = [f"/api/v1/admin/webhooks/{one['id']}" for one in (telegram, plain)]

    refused = [await admin.put(path, {"url": "https://elsewhere.example.com/a"}) for path in paths]
    masked = await admin.put(paths[1], {"url": "https://other.example.com/", "config": {"headers": {"X-Key": MASK}}})
    nearby = await admin.put(paths[1], {"url": "https://example.com/b"})
    typed = await admin.put(paths[0], {"url": "https://elsewhere.example.com/a", "config": {"bot_token": TOKEN}})
    dropped = await admin.put(paths[1], {"url": "https://other.example.com/", "config": {"headers": {}}})

    assert [(one.status, list(one.body["error"]["details"])) for one in (*refused, masked)] == [(422, ["url"])] * 3
    assert [one.status for one in (nearby, typed, dropped)] == [200, 200, 200]
    assert nearby.data["config"]["headers"] == {"X-Key": MASK}


async def test_chat_that_asks_for_patience_in_its_body_gets_it(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    hook = await make_webhook(admin, receiver.url, type="discord")
    receiver.answer = lambda one: Said(429, body=b'{"message": "slow down", "retry_after": 900.5}')
    await _sent(receiver, {})

    row = await DeliveryRow.get(endpoint_id=hook["id"])

    assert 899 <= row.due_at_ms / 1000 - fake_clock.now_s <= 902


async def test_chat_webhook_that_was_removed_is_switched_off(admin: Caller, receiver: Receiver, clean: None) -> None:
    hook = await make_webhook(admin, receiver.url, type="slack")
    receiver.answer = lambda one: Said(404, body=b"no_service")

    async with sending():
        await record(event("server.suspended", payload={}))
        await switched_off(hook["id"])

    assert len(receiver.received) == 1
    assert await state_counts(hook["id"]) == {"failed": 1}
