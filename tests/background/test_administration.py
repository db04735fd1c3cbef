"""Background work as administrators see it: failed jobs and undelivered events, retried and discarded."""

from __future__ import annotations

import sys
from typing import Any
from uuid import UUID, uuid4

import pytest

from muntin.audit.models import AuditRow
from muntin.bus import Json
from muntin.contributions import EventSubscriber
from muntin.database import transaction
from muntin.events import EventEnvelope, Relay
from muntin.events.models import DeadLetter
from muntin.jobs import JobContext, JobLimits, JobQueueFull, Task, enqueue
from muntin.jobs.models import JobRow
from muntin.jobs.testing import FakeClock, run_pending
from muntin.mail.events import MailSent
from muntin.panel import Panel
from muntin.plugins.discovery import Manifest
from muntin.plugins.loading import LoadedPlugin
from muntin.plugins.registry import Owned
from muntin.testing.callers import Caller
from muntin.testing.waiting import until
from muntin.worker import subscriptions_of

JOBS = "/api/v1/admin/jobs"
LETTERS = "/api/v1/admin/dead-letters"
MENDED: set[str] = set()


async def ping(context: JobContext, *, node: str) -> Json:
    if node not in MENDED:
        raise RuntimeError(f"{node} away")
    return node


PING = Task(name="shop.ping", handler=ping, max_attempts=2, backoff_s=10)


async def failed_job(clock: FakeClock, node: str) -> UUID:
    async with transaction() as events:
        job_id = await enqueue(events, "shop.ping", node=node)
    for _attempt in range(2):
        clock.advance(60)
        await run_pending([PING], clock=clock)
    return job_id


async def test_failed_job_shows_each_attempt_is_retried_and_discarded(admin: Caller) -> None:
    clock = FakeClock()
    job_id = await failed_job(clock, "alpha")

    dead = (await admin.get(f"{JOBS}?state=failed")).data
    shown = (await admin.get(f"{JOBS}/{job_id}")).data
    early = await admin.delete(f"{JOBS}/{job_id}")
    again = await admin.post(f"{JOBS}/{job_id}/retry")

    assert [one["id"] for one in dead] == [str(job_id)]
    assert [(one["attempt"], one["error"]) for one in shown["tries"]] == [
        (1, "RuntimeError: alpha away"),
        (2, "RuntimeError: alpha away"),
    ]
    assert shown["error"] == "RuntimeError: alpha away"
    assert early.status == 204 and again.code == "job_not_found"


async def test_retried_job_begins_anew_and_keeps_what_it_tried(admin: Caller) -> None:
    clock = FakeClock()
    MENDED.clear()
    job_id = await failed_job(clock, "beta")

    again = await admin.post(f"{JOBS}/{job_id}/retry")
    refused = await admin.delete(f"{JOBS}/{job_id}")
    MENDED.add("beta")
    clock.advance(60)
    await run_pending([PING], clock=clock)

    shown = (await admin.get(f"{JOBS}/{job_id}")).data
    assert (again.status, again.data["state"], again.headers["Location"]) == (202, "queued", f"{JOBS}/{job_id}")
    assert (refused.status, refused.code) == (409, "job_not_over")
    assert (shown["state"], shown["result"]) == ("done", "beta")
    assert [(one["attempt"], one["error"]) for one in shown["tries"]][2:] == [(1, None)]
    assert await AuditRow.filter(event="job.retried", subject_id=str(job_id)).count() == 1


async def test_people_without_the_permission_see_no_background_work(user: Caller) -> None:
    answers = [
        await user.get(JOBS),
        await user.get(LETTERS),
        await user.post(f"{JOBS}/{uuid4()}/retry"),
        await user.delete(f"{LETTERS}/{uuid4()}"),
    ]

    assert {(one.status, one.code) for one in answers} == {(403, "forbidden")}


def plug_in(panel: Panel, *contributions: Any) -> None:
    """Enable a plugin that exists only here."""
    manifest = Manifest(name="shop", module=__name__, distribution="shop", version="1")

    loaded = LoadedPlugin(manifest, sys.modules[__name__], contributions)
    panel.registry.plugins = (*panel.registry.plugins, loaded)
    panel.registry.__dict__.pop("names", None)
    panel.registry.switch({*panel.registry.enabled, "shop"})


async def test_plugin_queues_no_more_than_it_may_and_others_go_on(panel: Panel) -> None:
    plug_in(panel, JobLimits(queued=3))

    for _number in range(3):
        async with transaction() as events:
            await enqueue(events, "shop.ping", node="x")
    with pytest.raises(JobQueueFull) as refused:
        async with transaction() as events:
            await enqueue(events, "shop.ping", node="x")
    async with transaction() as events:
        await enqueue(events, "other.ping", node="x")

    assert (refused.value.status, refused.value.details) == (503, {"plugin": "shop", "limit": 3})
    assert await JobRow.filter(plugin="shop").count() == 3


class Inbox:
    """A subscriber that fails until it is mended."""

    def __init__(self) -> None:
        self.got: list[UUID] = []
        self.is_mended = False

    async def __call__(self, event: EventEnvelope) -> None:
        if not self.is_mended:
            raise RuntimeError("inbox is full")
        self.got.append(event.id)


async def undelivered(inbox: Inbox) -> Relay:
    """A relay that has just given an event up, after the one attempt that its subscriber asked for."""
    subscriber = EventSubscriber(name="inbox", event_types=("mail.sent",), handler=inbox, max_attempts=1, concurrency=2)
    relay = Relay(subscriptions_of((Owned("shop", subscriber),)))
    await relay.start()
    async with transaction() as events:
        events.add(MailSent(mail_id=uuid4(), template="hello"))

    async def given_up() -> bool:
        return await DeadLetter.filter(subscriber="shop.inbox").exists()

    await until(given_up)
    return relay


async def test_event_a_subscriber_gave_up_is_listed_and_delivered_when_retried(admin: Caller, panel: Panel) -> None:
    inbox = Inbox()
    relay = await undelivered(inbox)

    [listed] = (await admin.get(f"{LETTERS}?search=full")).data
    inbox.is_mended = True
    retried = await admin.post(f"{LETTERS}/{listed['id']}/retry")
    relay.wake()
    await until(lambda: bool(inbox.got))
    again = await admin.post(f"{LETTERS}/{listed['id']}/retry")
    await relay.stop()

    kept = ("subscriber", "attempts", "error", "type", "resource_type", "sequence")
    assert {name: listed[name] for name in kept} == {
        "subscriber": "shop.inbox",
        "attempts": 1,
        "error": "RuntimeError: inbox is full",
        "type": "mail.sent",
        "resource_type": "mail",
        "sequence": 1,
    }
    assert (retried.status, again.status, again.code) == (204, 404, "dead_letter_not_found")
    assert inbox.got == [UUID(listed["event_id"])]
    assert await AuditRow.filter(event="event.retried").count() == 1


async def test_event_that_is_discarded_is_never_delivered(admin: Caller, panel: Panel) -> None:
    inbox = Inbox()
    relay = await undelivered(inbox)
    [listed] = (await admin.get(LETTERS)).data

    gone = await admin.delete(f"{LETTERS}/{listed['id']}")
    await relay.stop()

    assert gone.status == 204
    assert (await admin.get(LETTERS)).data == []
    assert await AuditRow.filter(event="event.discarded").count() == 1
