"""Events that a subscriber failed on too often, as administrators see, retry and discard them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from tortoise.expressions import Q

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import NotFound
from muntin.events.models import DeadLetter
from muntin.events.retention import discard_dead_letter
from muntin.events.retention import retry_dead_letter as retry
from muntin.schemas import Page, PageQuery

SORTABLE = ("subscriber", "created_at", "attempts")


class DeadLetterNotFound(NotFound):
    """There is no undelivered event of this id (any more)."""

    code = "dead_letter_not_found"
    default_message = "There is no such undelivered event."


class DeadLetterQuery(PageQuery):
    """Which undelivered events."""

    subscriber: str = Field(default="", max_length=128)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeliveredEvent:
    """An event that a subscriber gets no more unless somebody retries it.

    Attributes:
        subscriber: `plugin.name`.
        error: Of the last attempt.
        failed_at: When it was given up.
    """

    id: UUID
    subscriber: str
    attempts: int
    error: str
    failed_at: datetime
    event_id: UUID
    type: str
    resource_type: str
    resource_id: str
    sequence: int
    occurred_at: datetime
    payload: Mapping[str, Any]


@guarded("admin.jobs.list")
async def list_dead_letters(actor: Actor, query: DeadLetterQuery) -> Page[UndeliveredEvent]:
    """The newest first; `search` looks into subscribers, types and errors."""
    rows = DeadLetter.all()
    if query.subscriber:
        rows = rows.filter(subscriber=query.subscriber)
    if query.search:
        text = query.search
        rows = rows.filter(Q(subscriber__icontains=text) | Q(error__icontains=text) | Q(event__type__icontains=text))
    total = await rows.count()
    order = query.order(SORTABLE, default="-created_at", tiebreak="-id")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page).select_related("event")
    return Page.of([_shown(one) for one in found], total, query)


@guarded("admin.jobs.manage")
async def retry_dead_letter(actor: Actor, letter_id: UUID) -> None:
    """Deliver it again, apart from its resource's other events.

    Raises:
        DeadLetterNotFound: There is none.
    """
    async with transaction() as events:
        letter = await _letter(letter_id)
        await retry(letter_id)
        await audit.record(events, actor, "event.retried", ("event", letter.event_id), _told(letter))


@guarded("admin.jobs.manage")
async def discard_letter(actor: Actor, letter_id: UUID) -> None:
    """Forget it: the subscriber never gets this event.

    Raises:
        DeadLetterNotFound: There is none.
    """
    async with transaction() as events:
        letter = await _letter(letter_id)
        await discard_dead_letter(letter_id)
        await audit.record(events, actor, "event.discarded", ("event", letter.event_id), _told(letter))


async def _letter(letter_id: UUID) -> DeadLetter:
    letter = await DeadLetter.get_or_none(id=letter_id).select_related("event")
    if letter is None:
        raise DeadLetterNotFound
    return letter


def _told(letter: DeadLetter) -> dict[str, Any]:
    return {"subscriber": letter.subscriber, "type": letter.event.type, "error": letter.error}


def _shown(letter: DeadLetter) -> UndeliveredEvent:
    event = letter.event
    return UndeliveredEvent(
        id=letter.id,
        subscriber=letter.subscriber,
        attempts=letter.attempts,
        error=letter.error,
        failed_at=letter.updated_at,
        event_id=event.id,
        type=event.type,
        resource_type=event.resource_type,
        resource_id=event.resource_id,
        sequence=event.sequence,
        occurred_at=event.occurred_at,
        payload=event.payload,
    )
