"""How long events are kept, and what becomes of those that could not be delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from muntin.database import execute, fetch_all, transaction
from muntin.events.models import DeadLetter, Lane, Subscriber

_TRIM_BATCH = 1000
_TRIM = """
DELETE FROM core_outbox WHERE id IN (
    SELECT event.id FROM core_outbox event
    WHERE event.state = 'routed' AND event.occurred_at < ?
      AND NOT EXISTS (
          SELECT 1 FROM core_delivery_lane lane
          WHERE lane.resource_type = event.resource_type AND lane.resource_id = event.resource_id
            AND lane.position < event.sequence)
      AND NOT EXISTS (SELECT 1 FROM core_dead_letter letter WHERE letter.event_id = event.id)
    LIMIT ?
)
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still to be done, for metrics and health checks."""

    unrouted: int  # events the relay has not looked at yet; grows while no worker runs
    waiting: dict[str, int]  # subscriber -> resources it has still to hear of, those of disabled plugins included
    failing: dict[str, int]  # subscriber -> resources whose next event failed at least once
    dead: dict[str, int]  # subscriber -> events put aside


async def backlog() -> Backlog:
    """Count it."""
    [unrouted] = await fetch_all("SELECT COUNT(*) AS n FROM core_outbox WHERE state = 'pending'")
    return Backlog(
        unrouted=unrouted["n"],
        waiting=await _per_subscriber("core_delivery_lane"),
        failing=await _per_subscriber("core_delivery_lane WHERE attempts > 0"),
        dead=await _per_subscriber("core_dead_letter"),
    )


async def trim(older_than: timedelta) -> int:
    """Delete events of that age that nobody waits for; the number of them.

    An event stays while a lane has still to deliver it (also of a disabled plugin) or a dead letter tells of it.
    Sequence numbers go on where they were.
    """
    before, deleted = datetime.now(UTC) - older_than, 0
    while count := await execute(_TRIM, [before, _TRIM_BATCH]):
        deleted += count
    return deleted


async def forget_subscribers(plugin: str) -> None:
    """Keep no more events for the subscribers of a plugin; part of purging it."""
    async with transaction():
        names = [str(name) for name in await Subscriber.filter(plugin=plugin).values_list("name", flat=True)]
        await Lane.filter(subscriber__in=names).delete()
        await DeadLetter.filter(subscriber__in=names).delete()
        await Subscriber.filter(plugin=plugin).delete()


async def retry_dead_letter(letter_id: UUID) -> bool:
    """Deliver a dead letter again, apart from its resource's other events; False when there is none of that id.

    It becomes a dead letter again when it fails as often as before.
    """
    async with transaction():
        letter = await DeadLetter.get_or_none(id=letter_id).select_related("event")
        if letter is None:
            return False
        event = letter.event
        await Lane.create(
            subscriber=letter.subscriber,
            resource_type=event.resource_type,
            resource_id=event.resource_id,
            apart=str(event.id),
            position=event.sequence - 1,
            upto=event.sequence,
        )
        await letter.delete()
    return True


async def discard_dead_letter(letter_id: UUID) -> bool:
    """Forget a dead letter; False when there is none of that id."""
    return bool(await DeadLetter.filter(id=letter_id).delete())


async def _per_subscriber(rows: str) -> dict[str, int]:
    sql = f"SELECT subscriber, COUNT(*) AS n FROM {rows} GROUP BY subscriber"  # noqa: S608 - our own constants
    return {row["subscriber"]: row["n"] for row in await fetch_all(sql)}
