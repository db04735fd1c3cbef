"""How events get from the outbox to their subscribers."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

import pytest

from muntin.database import transaction, uuid7
from muntin.events import (
    Backlog,
    Event,
    EventEnvelope,
    Relay,
    Subscription,
    backlog,
    forget_subscribers,
    outbox,
    retry_dead_letter,
)
from muntin.events.delivery import LEASE_S, delay_s
from muntin.events.models import DeadLetter, Lane, OutboxRow, Subscriber
from muntin.testing.waiting import until

pytestmark = pytest.mark.usefixtures("database")


class ServerStarted(Event):
    """A server was started."""

    type = "server.started"
    subject = "server_id"

    server_id: UUID


class ServerStopped(Event):
    """A server was stopped."""

    type = "server.stopped"
    subject = "server_id"

    server_id: UUID


class AccountCreated(Event):
    """Somebody signed up."""

    type = "account.created"
    subject = "account_id"

    account_id: UUID


class Clock:
    """Stands still but for how much tests put it forward, so nothing is tried again before they want it."""

    def __init__(self) -> None:
        self.now_s = time.time()
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return self.now_s + self.ahead_s


class Inbox:
    """A subscriber that notes what it gets, and fails when told to."""

    def __init__(self, name: str = "tests.inbox", *types: str, **options: float) -> None:
        self.got: list[EventEnvelope] = []
        self.fail: Callable[[EventEnvelope], bool] = lambda event: False
        self.subscription = Subscription(
            name=name,
            plugin="tests",
            event_types=types or ("*",),
            handler=self._handle,
            **options,  # type: ignore[arg-type]  # numbers of either kind
        )

    async def _handle(self, event: EventEnvelope) -> None:
        if self.fail(event):
            raise ConnectionError("the other side is away")
        self.got.append(event)

    async def wait_for(self, count: int, *, timeout_s: float = 30) -> None:
        await until(lambda: len(self.got) >= count, timeout_s=timeout_s)

    @property
    def numbers(self) -> dict[str, list[int]]:
        """Resource id -> sequence numbers in the order they came."""
        found: dict[str, list[int]] = defaultdict(list)
        for event in self.got:
            found[event.resource_id].append(event.sequence)
        return dict(found)


async def tell(*happened: Event) -> list[UUID]:
    async with transaction() as events:
        return [events.add(event) for event in happened]


async def nothing_is_pending() -> bool:
    return not await OutboxRow.filter(state="pending").exists()


async def no_lane_is_due() -> bool:
    return not await Lane.filter(attempts=0).exists()


async def no_lane_is_due_but_those_of_the_disabled() -> bool:
    return await Lane.filter(attempts=0).count() == 2 and await Lane.filter(attempts=1).count() == 2


async def one_lane_is_left_and_failed() -> bool:
    return [lane.attempts for lane in await Lane.all()] == [1]


async def until_idle() -> None:
    """Until nothing is left that could be delivered now."""
    await until(nothing_is_pending)
    await until(no_lane_is_due)


async def test_event_reaches_its_subscriber_whole() -> None:
    inbox, server, account = Inbox(), uuid7(), uuid7()

    async with Relay([inbox.subscription]):
        [event_id] = await tell(ServerStarted(server_id=server, by=account))
        await inbox.wait_for(1)

    [row] = await OutboxRow.all()
    assert inbox.got == [
        EventEnvelope(
            id=event_id,
            type="server.started",
            version=1,
            resource_type="server",
            resource_id=str(server),
            sequence=1,
            occurred_at=row.occurred_at,
            actor_id=account,
            payload={"server_id": str(server)},
        )
    ]
    assert row.state == "routed"


async def test_subscribers_get_the_types_they_asked_for() -> None:
    server, account = uuid7(), uuid7()
    inboxes = {
        "exact": Inbox("exact", "server.stopped"),
        "family": Inbox("family", "server.*"),
        "several": Inbox("several", "account.created", "server.started"),
        "all": Inbox("all", "*"),
        "none": Inbox("none", "invoice.*"),
    }

    async with Relay([inbox.subscription for inbox in inboxes.values()]):
        await tell(ServerStarted(server_id=server), AccountCreated(account_id=account), ServerStopped(server_id=server))
        await inboxes["all"].wait_for(3)
        await until_idle()

    assert {name: sorted(event.type for event in inbox.got) for name, inbox in inboxes.items()} == {
        "exact": ["server.stopped"],
        "family": ["server.started", "server.stopped"],
        "several": ["account.created", "server.started"],
        "all": ["account.created", "server.started", "server.stopped"],
        "none": [],
    }
    assert await Lane.all().count() == 0


async def test_event_of_the_same_process_does_not_wait_for_the_next_look() -> None:
    inbox = Inbox()

    async with Relay([inbox.subscription], poll_s=600):
        for number in range(1, 22):
            await tell(ServerStarted(server_id=uuid7()))
            await inbox.wait_for(number)

    assert len(inbox.got) == 21


async def test_event_written_by_another_process_arrives_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()

    async with Relay([inbox.subscription], poll_s=0.1):
        monkeypatch.setattr(outbox, "_listeners", [])  # as in a process without a relay
        await tell(ServerStarted(server_id=uuid7()))
        await inbox.wait_for(1)


async def test_events_of_one_resource_arrive_in_order_while_many_write() -> None:
    inbox, servers = Inbox(), [uuid7() for _ in range(5)]

    async with Relay([inbox.subscription]):
        await asyncio.gather(*(tell(ServerStarted(server_id=servers[number % 5])) for number in range(100)))
        await inbox.wait_for(100)

    assert inbox.numbers == {str(server): list(range(1, 21)) for server in servers}


async def test_failing_event_holds_back_its_own_resource_only_and_is_tried_again() -> None:
    inbox, clock, broken, sound = Inbox(), Clock(), uuid7(), uuid7()
    inbox.fail = lambda event: event.resource_id == str(broken) and event.sequence == 2

    async with Relay([inbox.subscription], clock=clock, poll_s=0.02):
        await tell(*(ServerStarted(server_id=broken) for _ in range(3)), ServerStarted(server_id=sound))
        await inbox.wait_for(2)
        await until(one_lane_is_left_and_failed)
        before = inbox.numbers
        [lane] = await Lane.all()
        inbox.fail = lambda event: False
        clock.ahead_s += delay_s(1)
        await inbox.wait_for(4)

    assert before == {str(broken): [1], str(sound): [1]}
    assert (lane.position, lane.attempts, lane.last_error) == (1, 1, "ConnectionError: the other side is away")
    assert inbox.numbers == {str(broken): [1, 2, 3], str(sound): [1]}


async def test_event_that_fails_too_often_becomes_a_dead_letter_and_can_be_retried() -> None:
    inbox, clock, server = Inbox(max_attempts=3), Clock(), uuid7()
    inbox.fail = lambda event: event.sequence == 1

    async with Relay([inbox.subscription], clock=clock, poll_s=0.02):
        [first, _second] = await tell(ServerStarted(server_id=server), ServerStopped(server_id=server))
        for attempt in (1, 2):
            await until(Lane.filter(attempts=attempt).exists)
            clock.ahead_s += delay_s(attempt)
        await inbox.wait_for(1)
        [letter] = await DeadLetter.all()
        got_before = inbox.numbers
        inbox.fail = lambda event: False

        assert await retry_dead_letter(letter.id)
        await inbox.wait_for(2)
        await until_idle()

    assert got_before == {str(server): [2]}
    assert (letter.subscriber, letter.event_id, letter.attempts) == ("tests.inbox", first, 3)
    assert letter.error == "ConnectionError: the other side is away"
    assert inbox.numbers == {str(server): [2, 1]}
    assert await DeadLetter.all().count() == 0
    assert await Lane.all().count() == 0
    assert not await retry_dead_letter(letter.id)


async def test_handler_that_hangs_is_broken_off_and_costs_others_nothing() -> None:
    other = Inbox("other")

    async def hang(_: EventEnvelope) -> None:
        await asyncio.sleep(60)

    hanging = Subscription(name="hanging", plugin="tests", event_types=("*",), handler=hang, timeout_s=0.05)

    async with Relay([hanging, other.subscription], clock=Clock(), poll_s=0.02):
        await tell(ServerStarted(server_id=uuid7()))
        await other.wait_for(1)
        await until(one_lane_is_left_and_failed)

    [lane] = await Lane.all()
    assert (lane.subscriber, lane.last_error) == ("hanging", "TimeoutError: not done after 0.05 s")


@pytest.mark.parametrize("failure", [SystemExit, asyncio.CancelledError, RecursionError])
async def test_handler_that_exits_or_cancels_itself_costs_its_own_lane_and_nothing_else(
    failure: type[BaseException],
) -> None:
    other = Inbox("other")

    async def leave(_: EventEnvelope) -> None:
        raise failure("leaving")

    leaving = Subscription(name="leaving", plugin="tests", event_types=("*",), handler=leave)

    async with Relay([leaving, other.subscription], clock=Clock(), poll_s=0.02):
        await tell(ServerStarted(server_id=uuid7()))
        await other.wait_for(1)
        await until(one_lane_is_left_and_failed)

    [lane] = await Lane.all()
    assert (lane.subscriber, lane.last_error) == ("leaving", f"{failure.__name__}: leaving")


async def test_plugin_switched_off_and_on_in_a_hurry_ends_as_it_was_told_last() -> None:
    inbox, server = Inbox(), uuid7()

    async with Relay([inbox.subscription], poll_s=0.02) as relay:
        for _ in range(5):
            await asyncio.gather(relay.subscribe([]), relay.subscribe([inbox.subscription]))
            await tell(ServerStarted(server_id=server))
        await inbox.wait_for(5)
        await asyncio.gather(relay.subscribe([inbox.subscription]), relay.subscribe([]))
        await tell(ServerStarted(server_id=server))
        await until(nothing_is_pending)
        await asyncio.sleep(0.1)

    assert inbox.numbers == {str(server): [1, 2, 3, 4, 5]}


async def test_backlog_tells_what_waits_what_fails_and_what_was_put_aside() -> None:
    sound, broken, dead = Inbox("sound"), Inbox("broken"), Inbox("dead", max_attempts=1)
    broken.fail = dead.fail = lambda event: True
    subscriptions = [sound.subscription, broken.subscription, dead.subscription]
    async with Relay(subscriptions, clock=Clock(), poll_s=0.02) as relay:
        await relay.subscribe([broken.subscription, dead.subscription])
        await tell(ServerStarted(server_id=uuid7()), AccountCreated(account_id=uuid7()))
        await until(no_lane_is_due_but_those_of_the_disabled)
    await tell(ServerStarted(server_id=uuid7()))

    assert await backlog() == Backlog(
        unrouted=1, waiting={"sound": 2, "broken": 2}, failing={"broken": 2}, dead={"dead": 2}
    )


async def test_events_of_a_disabled_plugin_wait_until_it_is_enabled_again() -> None:
    inbox, other, server = Inbox("disabled", "server.*"), Inbox("other"), uuid7()

    async with Relay([inbox.subscription, other.subscription], poll_s=0.02) as relay:
        await tell(ServerStarted(server_id=server))
        await inbox.wait_for(1)
        await relay.subscribe([other.subscription])
        await tell(ServerStopped(server_id=server), ServerStarted(server_id=server), AccountCreated(account_id=uuid7()))
        await other.wait_for(4)
        waiting = await Lane.filter(subscriber="disabled").values_list("subscriber", "position", "upto")
        await relay.subscribe([inbox.subscription, other.subscription])
        await inbox.wait_for(3)

    assert waiting == [("disabled", 1, 3)]
    assert inbox.numbers == {str(server): [1, 2, 3]}


async def test_purged_plugin_leaves_nothing_behind() -> None:
    inbox = Inbox()
    async with Relay([inbox.subscription]):
        await asyncio.sleep(0)
    async with Relay():
        await tell(ServerStarted(server_id=uuid7()))
        await until(Lane.all().exists)

    await forget_subscribers("tests")

    assert await Lane.all().count() == 0
    assert await Subscriber.all().count() == 0


async def test_event_committed_late_with_an_early_id_is_delivered_too() -> None:
    inbox, early = Inbox(), uuid7()

    async with Relay([inbox.subscription], poll_s=0.02):
        await tell(ServerStarted(server_id=uuid7()))
        await inbox.wait_for(1)
        row = await OutboxRow.get()
        await OutboxRow.create(
            id=early,
            type="server.started",
            version=1,
            resource_type="server",
            resource_id="late",
            sequence=1,
            payload={},
            occurred_at=row.occurred_at,
        )
        await inbox.wait_for(2)

    assert inbox.got[1].id == early


async def test_two_relays_share_the_work_without_doing_anything_twice() -> None:
    one, other, servers = Inbox(), Inbox(), [uuid7() for _ in range(40)]
    order: list[tuple[str, int]] = []

    def note(event: EventEnvelope) -> bool:
        order.append((event.resource_id, event.sequence))
        return False

    one.fail = other.fail = note

    async with Relay([one.subscription], poll_s=0.02), Relay([other.subscription], poll_s=0.02):
        await asyncio.gather(*(tell(ServerStarted(server_id=servers[number % 40])) for number in range(200)))
        await until(lambda: len(order) >= 200, timeout_s=60)
        await until_idle()

    by_server: dict[str, list[int]] = defaultdict(list)
    for server, sequence in order:
        by_server[server].append(sequence)
    assert by_server == {str(server): [1, 2, 3, 4, 5] for server in servers}


async def test_lease_of_a_dead_worker_ends_and_another_one_takes_over() -> None:
    inbox, clock, server = Inbox(), Clock(), uuid7()
    async with Relay([inbox.subscription]):
        await asyncio.sleep(0)
    async with Relay():
        await tell(ServerStarted(server_id=server))
        await until(Lane.all().exists)
    await Lane.all().update(leased_by="dead", leased_until_ms=int((clock() + LEASE_S) * 1000))

    async with Relay([inbox.subscription], clock=clock, poll_s=0.02):
        await asyncio.sleep(0.2)
        got_before = len(inbox.got)
        clock.ahead_s += LEASE_S
        await inbox.wait_for(1)

    assert got_before == 0


async def test_stopped_relay_leaves_its_lanes_free_for_the_next_one() -> None:
    started, inbox = asyncio.Event(), Inbox()

    async def hang(_: EventEnvelope) -> None:
        started.set()
        await asyncio.sleep(60)

    hanging = Subscription(name="tests.inbox", plugin="tests", event_types=("*",), handler=hang, timeout_s=60)
    async with Relay([hanging], poll_s=0.02):
        await tell(ServerStarted(server_id=uuid7()))
        await started.wait()

    async with Relay([inbox.subscription], poll_s=0.02):
        await inbox.wait_for(1)
