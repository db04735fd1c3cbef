"""Long work as the person who ordered it sees it, over the native API."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from muntin.audit.models import AuditRow
from muntin.bus import Json
from muntin.database import transaction
from muntin.errors import Conflict
from muntin.jobs import JobContext, Task, enqueue
from muntin.jobs.models import JobRow
from muntin.jobs.testing import FakeClock, run_pending
from muntin.panel import Panel
from muntin.testing.callers import Caller, People

JOBS = "/api/v1/jobs"


async def pack(context: JobContext, *, how: str = "well") -> Json:
    await context.progress(40, "packing")
    if how == "badly":
        raise RuntimeError("/srv/secret/path is full")
    if how == "refused":
        raise Conflict("The archive is being written already.")
    return {"size": 7}


PACK = Task(name="shop.pack", handler=pack, max_attempts=2, backoff_s=10)


async def order(caller: Caller | None, **arguments: Any) -> UUID:
    async with transaction() as events:
        return await enqueue(events, "shop.pack", ordered_by=caller.account_id if caller else None, **arguments)


async def test_job_is_followed_from_its_order_to_its_result(user: Caller) -> None:
    job_id = await order(user)

    waiting = (await user.get(f"{JOBS}/{job_id}")).data
    await run_pending([PACK])
    done = (await user.get(f"{JOBS}/{job_id}")).data

    times = ("created_at", "started_at", "finished_at")
    assert {name: value for name, value in waiting.items() if name not in times} == {
        "id": str(job_id),
        "name": "shop.pack",
        "state": "queued",
        "is_over": False,
        "progress": {"percent": 0, "text": ""},
        "result": None,
        "error": None,
    }
    assert {name: value for name, value in done.items() if name not in times} == {
        "id": str(job_id),
        "name": "shop.pack",
        "state": "done",
        "is_over": True,
        "progress": {"percent": 100, "text": "packing"},
        "result": {"size": 7},
        "error": None,
    }
    assert all(done[name] for name in times)


async def test_others_learn_nothing_of_a_job(user: Caller, admin: Caller, stranger: Caller) -> None:
    theirs, nobodys = await order(user), await order(None)

    answers = [await admin.get(f"{JOBS}/{one}") for one in (theirs, nobodys, uuid4())]
    cancelled = [await admin.post(f"{JOBS}/{one}/cancel") for one in (theirs, nobodys)]
    unknown = await stranger.get(f"{JOBS}/{theirs}")

    assert {(one.status, one.code) for one in [*answers, *cancelled]} == {(404, "job_not_found")}
    assert unknown.status == 401
    assert (await admin.get(JOBS)).data == []
    assert [one["id"] for one in (await user.get(JOBS)).data] == [str(theirs)]
    assert await JobRow.filter(state="queued").count() == 2


async def test_own_job_is_cancelled_before_it_begins(user: Caller) -> None:
    job_id = await order(user)

    first = await user.post(f"{JOBS}/{job_id}/cancel")
    second = await user.post(f"{JOBS}/{job_id}/cancel")

    assert (first.status, first.data["state"], first.headers["Location"]) == (202, "cancelled", f"{JOBS}/{job_id}")
    assert (second.status, second.code) == (409, "job_not_cancellable")
    assert await run_pending([PACK]) == []
    entry = await AuditRow.get(event="job.cancelled")
    assert (entry.actor_id, entry.subject_id) == (user.account_id, str(job_id))


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("badly", "It did not work. An administrator can see why."),
        ("refused", "The archive is being written already."),
    ],
)
async def test_person_is_told_what_was_meant_for_people_and_nothing_else(user: Caller, how: str, told: str) -> None:
    clock = FakeClock()
    job_id = await order(user, how=how)

    for _attempt in range(2):
        clock.advance(60)
        await run_pending([PACK], clock=clock)

    shown = (await user.get(f"{JOBS}/{job_id}")).data
    assert (shown["state"], shown["error"]) == ("failed", told)


async def test_role_without_the_permission_follows_nothing(people: People, admin: Caller) -> None:
    body = {"name": "Bare", "slug": "bare", "permissions": ["account.read"]}
    role = (await admin.post("/api/v1/admin/roles", body)).data
    bare = await people.sign_in("bare", role_id=role["id"])
    job_id = await order(bare)

    answer = await bare.get(f"{JOBS}/{job_id}")

    assert (answer.status, answer.code) == (403, "forbidden")


async def test_description_of_the_api_says_202_and_location(panel: Panel, admin: Caller) -> None:
    document = (await admin.get("/api/v1/openapi.json")).body

    responses = document["paths"][f"{JOBS}/{{job_id}}/cancel"]["post"]["responses"]
    assert "202" in responses
    assert "Location" in responses["202"]["headers"]
