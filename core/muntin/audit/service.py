"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field, field_validator
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from muntin.access import Actor, guarded
from muntin.audit.models import AuditRow
from muntin.schemas import Page, PageQuery

SORTABLE = ("created_at", "event", "ip")


class AuditQuery(PageQuery):
    """Which entries: of one event (or `user.*`), of one account, from one address."""

    event: str = Field(default="", max_length=128)
    user_id: UUID | None = None
    ip: str = Field(default="", max_length=64)

    @field_validator("user_id", mode="before")
    @classmethod
    def _absent(cls, value: object) -> object:
        return None if value == "" else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityActor:
    """Who did it; nobody in particular where `id` is missing.

    Attributes:
        type: `user`, `api_key` or `system`.
    """

    id: UUID | None
    username: str | None
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySubject:
    """What it was done to."""

    type: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One entry of the audit log."""

    id: UUID
    event: str
    actor: ActivityActor
    subject: ActivitySubject
    ip: str | None
    properties: Mapping[str, Any]
    created_at: datetime


@guarded("admin.audit.view")
async def list_audit_logs(actor: Actor, query: AuditQuery) -> Page[Activity]:
    """The whole log, newest first; `search` looks into events, names, subjects and addresses."""
    rows = AuditRow.all()
    if query.event:
        rows = rows.filter(_named(query.event))
    if query.user_id is not None:
        rows = rows.filter(_of_account(query.user_id))
    if query.ip:
        rows = rows.filter(ip=query.ip)
    return await _page(rows, query)


async def activity_of(account_id: UUID, query: PageQuery) -> Page[Activity]:
    """What an account did and what was done to it; whoever calls this has checked who may know."""
    return await _page(AuditRow.filter(_of_account(account_id)), query)


async def activity_about(subject_type: str, subject_id: object, query: PageQuery, *, event: str = "") -> Page[Activity]:
    """What was done to one thing; whoever calls this has checked who may know.

    Args:
        event: Only this one, or a family: `server.power.*`.
    """
    rows = AuditRow.filter(subject_type=subject_type, subject_id=str(subject_id))
    return await _page(rows.filter(_named(event)) if event else rows, query)


async def forget_old(older_than: timedelta) -> int:
    """Delete entries of that age; answers how many."""
    return await AuditRow.filter(created_at__lt=datetime.now(UTC) - older_than).delete()


def _of_account(account_id: UUID) -> Q:
    return Q(actor_id=account_id) | Q(subject_type="user", subject_id=str(account_id))


def _named(event: str) -> Q:
    return Q(event__startswith=event[:-1]) if event.endswith(".*") else Q(event=event)


async def _page(rows: QuerySet[AuditRow], query: PageQuery) -> Page[Activity]:
    order = query.order(SORTABLE, default="-created_at", tiebreak="-id")
    if query.search:
        rows = rows.filter(_matching(query.search))
    total = await rows.count()
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([_activity(row) for row in found], total, query)


def _matching(text: str) -> Q:
    columns = ("event", "actor_username", "subject_type", "subject_id", "ip")
    return Q(*(Q(**{f"{column}__icontains": text}) for column in columns), join_type="OR")


def _activity(row: AuditRow) -> Activity:
    return Activity(
        id=row.id,
        event=row.event,
        actor=ActivityActor(id=row.actor_id, username=row.actor_username, type=row.actor_type),
        subject=ActivitySubject(type=row.subject_type, id=row.subject_id),
        ip=row.ip,
        properties=row.properties,
        created_at=row.created_at,
    )
