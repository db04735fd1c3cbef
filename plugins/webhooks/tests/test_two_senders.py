"""Several senders at once: once a success is stored, the message is not sent again, whoever stored it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from muntin.configuration import Configuration
from muntin.database import execute
from muntin.testing.callers import Caller
from muntin.testing.waiting import until
from muntin_webhooks.models import DeliveryRow, EndpointRow

from .conftest import make_webhook, queue_many, sending, state_counts
from .receiving import Received, Said, receiving
from .workers import kill, start_worker

_EXPIRE = "UPDATE webhooks_endpoint SET leased_until_ms = 0 WHERE id = ? AND leased_by = ?"


async def is_stored(one: Received) -> bool:
    """Whether the message was stored as delivered before it arrived."""
    return await DeliveryRow.filter(message_id=UUID(one.id), state="success").exists()


async def test_sender_that_lost_a_webhook_stores_no_success_behind_the_back_of_the_next(
    admin: Caller, clean: None
) -> None:
    first_may_end, second_may_go_on = asyncio.Event(), asyncio.Event()
    arrived: list[str] = []
    late: list[str] = []

    async def answer(one: Received) -> Said:
        arrived.append(one.id)
        number = len(arrived)
        if await is_stored(one):
            late.append(one.id)
        if number <= 2:
            await first_may_end.wait()
        elif number == 3:
            await second_may_go_on.wait()
        return Said()

    async with receiving(answer) as receiver, sending(concurrency=2) as first:
        hook = await make_webhook(admin, receiver.url, timeout_s=30)
        sent = await queue_many([hook["id"]], 2, resources=2)
        first.wake()
        await until(lambda: len(arrived) == 2, timeout_s=30)

        async with sending(concurrency=1) as second:

            async def taken_over() -> bool:
                await execute(_EXPIRE, [UUID(hook["id"]), first.name])
                second.wake()
                return (await EndpointRow.get(id=hook["id"])).leased_by == second.name

            await until(taken_over, timeout_s=30)
            await until(lambda: len(arrived) == 3, timeout_s=30)
            first_may_end.set()
            await until(lambda: first.is_idle, timeout_s=30)
            between = await state_counts(hook["id"])
            second_may_go_on.set()

            async def all_delivered() -> bool:
                return await state_counts(hook["id"]) == {"success": 2}

            await until(all_delivered, timeout_s=30)

    assert between == {"fresh": 2}
    assert sorted(arrived) == sorted([str(one.id) for one in sent] * 2)
    assert late == []


@pytest.mark.timeout(180)
async def test_two_workers_at_once_deliver_everything_and_repeat_nothing_that_is_stored(
    admin: Caller, clean: None, panel_configuration: Configuration
) -> None:
    late: list[str] = []
    arrived: set[tuple[str, str]] = set()

    async def answer(one: Received) -> Said:
        delivery = one.headers["x-webhook-delivery"]
        if await DeliveryRow.filter(id=UUID(delivery), state="success").exists():
            late.append(delivery)
        arrived.add((one.path, one.id))
        return Said()

    async with receiving(answer) as receiver:
        hooks = [await make_webhook(admin, f"{receiver.url}/{number}") for number in range(4)]
        workers = await asyncio.gather(*(start_worker(panel_configuration) for _number in range(2)))
        sent = await queue_many([one["id"] for one in hooks], 60, resources=20)

        async def all_delivered() -> bool:
            return all([await state_counts(one["id"]) == {"success": 60} for one in hooks])

        await until(all_delivered, timeout_s=90)
        for one in workers:
            await kill(one)

    assert arrived == {(f"/hook/{number}", str(one.id)) for number in range(4) for one in sent}
    assert late == []
