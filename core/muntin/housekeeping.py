"""What the core tidies by itself."""

from __future__ import annotations

from datetime import timedelta

from muntin.bus import Json
from muntin.bus.exact_limits import delete_past_limits
from muntin.events import trim
from muntin.idempotency import forget_old_answers
from muntin.jobs import Cron, JobContext, Task
from muntin.jobs.desk import delete_old_jobs
from muntin.settings import RetentionSettings, section


async def forget_answers(context: JobContext) -> int:
    """Remove answers kept for `Idempotency-Key` after a day; answers how many."""
    return await forget_old_answers()


async def forget_work(context: JobContext) -> dict[str, Json]:
    """Remove delivered events, ended jobs and past limits that nobody will ask for; answers how many of each."""
    kept = section(RetentionSettings)
    return {
        "events": await trim(timedelta(days=kept.events_days)),
        "jobs": await delete_old_jobs(days=kept.jobs_days),
        "limits": await delete_past_limits(),
    }


JOBS = (
    Task(name="core.forget_answers", handler=forget_answers),
    Cron(name="core.forget_answers_hourly", expression="17 * * * *", task="core.forget_answers"),
    Task(name="core.forget_work", handler=forget_work),
    Cron(name="core.forget_work_daily", expression="41 3 * * *", task="core.forget_work"),
)
