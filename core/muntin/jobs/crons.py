"""Queues tasks at their times, once, however many workers look at the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from croniter import croniter  # type: ignore[import-untyped] # it ships no types

from muntin.clock import now_s
from muntin.database import compare_and_set, transaction
from muntin.jobs.contributions import Cron
from muntin.jobs.desk import enqueue
from muntin.jobs.models import CronRow


def is_cron(expression: str) -> bool:
    """Whether it is five fields a cron understands."""
    return len(expression.split()) == 5 and bool(croniter.is_valid(expression))


def time_before(expression: str, now_s: float) -> float:
    """The last time at or before now, in seconds since 1970; minutes are UTC's."""
    moment = datetime.fromtimestamp(now_s + 0.001, UTC)
    return float(croniter(expression, moment).get_prev(float))


def time_after(expression: str, now_s: float) -> float:
    """The next time after now, in seconds since 1970."""
    return float(croniter(expression, datetime.fromtimestamp(now_s, UTC)).get_next(float))


class Crons:
    """The crons of the enabled plugins."""

    def __init__(self, clock: Callable[[], float] = now_s) -> None:
        self._clock = clock
        self._next_s: dict[str, float] = {}
        self._crons: dict[str, Cron] = {}

    def use(self, crons: Iterable[Cron]) -> None:
        """Exchange the set; each is looked at anew, for a time that was missed."""
        self._crons = {cron.name: cron for cron in crons}
        self._next_s = dict.fromkeys(self._crons, 0.0)

    @property
    def next_s(self) -> float | None:
        """When the next one is due."""
        return min(self._next_s.values(), default=None)

    async def queue_due(self) -> None:
        """Queue what is due; of several missed times only the last."""
        now_s = self._clock()
        for cron in [cron for name, cron in self._crons.items() if self._next_s[name] <= now_s]:
            await _fire(cron, int(time_before(cron.expression, now_s) * 1000), int(now_s * 1000))
            self._next_s[cron.name] = time_after(cron.expression, now_s)


async def _fire(cron: Cron, due_ms: int, now_ms: int) -> None:
    """A cron seen for the first time begins with its next time, not with one before it was there."""
    async with transaction() as events:
        row = await CronRow.get_or_none(name=cron.name)
        if row is None:
            await CronRow.bulk_create([CronRow(name=cron.name, fired_at_ms=now_ms)], ignore_conflicts=True)
        elif row.fired_at_ms < due_ms and await compare_and_set(
            CronRow.filter(name=cron.name, fired_at_ms=row.fired_at_ms), fired_at_ms=due_ms
        ):
            await enqueue(events, cron.task, key=f"{cron.name}@{due_ms}", **cron.arguments)
