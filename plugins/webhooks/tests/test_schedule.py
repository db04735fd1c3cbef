"""When failed deliveries are tried again, and when a webhook is switched off."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from muntin.accounts.models import AccountRow
from muntin.jobs.testing import FakeClock
from muntin.mail.models import MailRow
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.testing.callers import Caller, People
from muntin.testing.waiting import until
from muntin_webhooks.models import DeliveryRow, EndpointRow
from muntin_webhooks.sending.schedule import DELAYS_S, Schedule, read_retry_after
from muntin_webhooks.sending.sender import Sender

from .conftest import all_tried, event, make_webhook, record, sending, state_counts, switched_off
from .receiving import Receiver, Said

HOUR_S = 3600


async def _wait_of(endpoint_id: str, clock: FakeClock) -> float:
    """Seconds until the next attempt."""
    row = await DeliveryRow.get(endpoint_id=endpoint_id)
    return float(row.due_at_ms / 1000 - clock.now_s)


async def _try_again(sender: Sender, receiver: Receiver, clock: FakeClock, seconds: float) -> None:
    seen = len(receiver.received)
    clock.advance(seconds)
    sender.wake()
    await until(lambda: len(receiver.received) > seen)
    await all_tried(sender)


async def test_nine_attempts_over_three_days_then_the_webhook_is_switched_off_and_the_owner_told(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    hook = await make_webhook(admin, receiver.url, "/api/v1/webhooks", events=["webhook.*"])
    receiver.answer = lambda one: Said(503)
    began_s, waits = fake_clock.now_s, []
    told = event("webhook.updated", payload={"account_id": str(admin.account_id), "webhook_id": hook["id"]})

    async with sending() as sender:
        await record(told)
        await all_tried(sender)
        while (await state_counts(hook["id"])).get("retry"):
            waits.append(await _wait_of(hook["id"], fake_clock))
            await _try_again(sender, receiver, fake_clock, waits[-1] + 0.001)

    assert len(receiver.received) == 9
    assert len({one.id for one in receiver.received}) == 1
    assert [delay <= wait <= delay * 1.05 + 0.1 for delay, wait in zip(DELAYS_S, waits, strict=True)] == [True] * 8
    assert 73 * HOUR_S < fake_clock.now_s - began_s < 78 * HOUR_S
    row = await EndpointRow.get(id=hook["id"])
    assert (row.is_enabled, row.disabled_reason) == (False, "Nothing got through for 72 hours.")
    assert await state_counts(hook["id"]) == {"failed": 1}
    assert await MailRow.filter(template="webhooks.disabled").count() >= 1


async def test_every_administrator_is_told_of_a_panel_wide_webhook_that_was_switched_off(
    admin: Caller, user: Caller, people: People, receiver: Receiver, clean: None
) -> None:
    role = await RoleRow.create(name="Hooks", slug="hooks", permissions=["admin.webhooks.*"])
    await people.sign_in("keeper", role_id=role.id)
    await MailRow.all().delete()
    hook = await make_webhook(admin, receiver.url)
    receiver.answer = lambda one: Said(410)

    async with sending():
        await record(event())
        await switched_off(hook["id"])

    told = await MailRow.filter(template="webhooks.disabled").values_list("to_address", flat=True)
    keepers = await AccountRow.filter(status="active", role_id__in=[ADMIN_ID, role.id]).values_list("email", flat=True)
    assert sorted(map(str, told)) == sorted(map(str, keepers))
    assert len(told) >= 2


async def test_receiver_that_was_away_for_an_hour_gets_everything_once(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    hook = await make_webhook(admin, receiver.url)
    taken: list[str] = []
    is_away = True

    def answer(one: object) -> Said:
        if not is_away:
            taken.append(receiver.received[-1].id)
        return Said(502 if is_away else 200)

    receiver.answer = answer
    sent = [event(sequence=number) for number in range(20)]
    async with sending() as sender:
        for one in sent:
            await record(one)
        for _minute in range(6):
            await all_tried(sender)
            fake_clock.advance(600)
        await all_tried(sender)
        is_away = False
        fake_clock.advance(3 * HOUR_S)
        sender.wake()
        await until(lambda: len(taken) == 20, timeout_s=30)
        await all_tried(sender)

    assert sorted(taken) == sorted(str(one.id) for one in sent)
    assert await state_counts(hook["id"]) == {"success": 20}


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_receiver_may_ask_to_be_left_alone_for_longer(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock, form: str
) -> None:
    hook = await make_webhook(admin, receiver.url)
    wanted = "1800" if form == "seconds" else formatdate(fake_clock.now_s + 1800, usegmt=True)
    receiver.answer = lambda one: Said(429, {"Retry-After": wanted})

    async with sending() as sender:
        await record(event())
        await all_tried(sender)

    assert 1798 <= await _wait_of(hook["id"], fake_clock) <= 1802


async def test_webhook_with_a_schedule_of_its_own_follows_it(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    hook = await make_webhook(admin, receiver.url, retry_count=2, retry_delay_s=60)
    receiver.answer = lambda one: Said(500)

    async with sending() as sender:
        await record(event())
        await all_tried(sender)
        for seconds in (64, 128):
            await _try_again(sender, receiver, fake_clock, seconds)

    assert len(receiver.received) == 3
    assert await state_counts(hook["id"]) == {"failed": 1}
    assert (await EndpointRow.get(id=hook["id"])).is_enabled


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120.0), (" 7 ", 7.0), ("-1", None), ("soon", None), ("", None), (None, None), ("9" * 400, 999999999.0),
     ("Thu, 01 Jan 1970 00:01:40 GMT", 100.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("१२", None)],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, now_s=0.0) == seconds


def test_waits_end_after_the_last_attempt_and_are_bounded() -> None:
    schedule = Schedule()

    assert schedule.attempts == 9
    assert schedule.delay_s(9) is None
    assert schedule.delay_s(1, asked_s=10**9) == 24 * HOUR_S
    assert Schedule(retry_count=0).delay_s(1) is None
