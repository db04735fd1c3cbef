"""The fixture `outbox`: what was told, and a worker that works when a test says so."""

from __future__ import annotations

from fnmatch import fnmatchcase

from muntin.clock import now_s
from muntin.contributions import Cron, EventSubscriber, Saga, Task
from muntin.database import uuid7
from muntin.events import EventEnvelope, Relay
from muntin.events.models import DeadLetter, Lane, OutboxRow
from muntin.jobs.job import Job, JobState
from muntin.jobs.testing import MemoryJournal, run_pending
from muntin.panel import Panel
from muntin.plugins.registry import Owned
from muntin.testing.waiting import until
from muntin.worker import jobs_of, subscriptions_of

__all__ = ["Outbox"]

LOOK_S = 0.01
RELAY_WITHIN_S = 60.0
ROUNDS = 50
"""Events that make jobs that make events: more than this is a circle."""


class Outbox:
    """Events of this test, and the deliveries and jobs that follow from them."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._journal = MemoryJournal()
        self._began = uuid7()
        self.jobs: list[Job] = []
        """What ran, in order, each as it was after its last attempt."""

    async def recorded(self, pattern: str = "*") -> list[EventEnvelope]:
        """Events since the test began, the oldest first.

        Args:
            pattern: A type, or a wildcard such as `note.*`.
        """
        rows = await OutboxRow.filter(id__gt=self._began).order_by("id")
        return [_envelope(row) for row in rows if fnmatchcase(row.type, pattern)]

    async def relay(self) -> list[Job]:
        """Deliver what is due to the subscribers of enabled plugins and run the jobs that are due, until nothing is.

        What failed and is to be tried again is due later: `clock.advance(...)`, then relay again.

        Returns:
            The jobs that ran.

        Raises:
            AssertionError: A subscriber or job failed for good; the message says which, and why.
        """
        ran: list[Job] = []
        for _round in range(ROUNDS):
            await self._deliver()
            jobs = await run_pending(self._jobs, clock=now_s, journal=self._journal)
            ran += jobs
            if not jobs and not await OutboxRow.filter(state="pending").exists():
                break
        else:
            raise AssertionError(f"Events and jobs went on making each other after {ROUNDS} rounds.")
        self.jobs += ran
        await _complain(ran)
        return ran

    async def begin(self) -> None:
        """Make subscribers and times known, as the first worker of a panel does."""
        await self._deliver()
        await run_pending(self._jobs, clock=now_s, journal=self._journal)

    @property
    def _jobs(self) -> list[Task | Saga | Cron]:
        return jobs_of(self._panel.registry.owned)

    async def _deliver(self) -> None:
        owned: tuple[Owned[EventSubscriber], ...] = self._panel.registry.owned(EventSubscriber)
        subscriptions = subscriptions_of(owned)
        names = [one.name for one in subscriptions]
        async with Relay(subscriptions, clock=now_s, poll_s=LOOK_S):

            async def quiet() -> bool:
                if await OutboxRow.filter(state="pending").exists():  # first: what is routed becomes lanes
                    return False
                now_ms = int(now_s() * 1000)
                return not await Lane.filter(subscriber__in=names, due_at_ms__lte=now_ms).exists()

            await until(quiet, timeout_s=RELAY_WITHIN_S)


async def _complain(ran: list[Job]) -> None:
    failed = [f"job {job.name}: {job.error}" for job in ran if job.state is JobState.FAILED]
    letters = await DeadLetter.all()
    failed += [f"subscriber {letter.subscriber}: {letter.error}" for letter in letters]
    if failed:
        raise AssertionError("; ".join(failed))


def _envelope(row: OutboxRow) -> EventEnvelope:
    return EventEnvelope(
        id=row.id,
        type=row.type,
        version=row.version,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        actor_id=row.actor_id,
        payload=row.payload,
    )
