"""Lists of webhooks."""

from __future__ import annotations

from typing import TypeVar

from tortoise.queryset import QuerySet

from muntin.schemas import Page, PageQuery
from muntin_webhooks.endpoints.shown import shown
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.schemas import Webhook

SORTABLE = {"name": "name", "created_at": "created_at", "enabled": "is_enabled", "type": "kind"}
Row = TypeVar("Row", bound=EndpointRow)


async def page(rows: QuerySet[Row], query: PageQuery) -> Page[Webhook]:
    """One page of these webhooks."""
    if query.search:
        rows = rows.filter(name__icontains=query.search)
    order = query.order(SORTABLE, default="name")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([shown(one) for one in found], await rows.count(), query)
