"""Hooks."""

from __future__ import annotations

from collections.abc import Iterable

from muntin.access import Permission
from muntin.contributions import Models
from muntin.plugins import hookimpl
from muntin.routing import Route
from muntin.translation import _
from muntin_diary import routes


@hookimpl
def muntin_models() -> Models:
    """One table."""
    return Models(label="diary", modules=("muntin_diary.models",), migrations="muntin_diary.migrations")


@hookimpl
def muntin_permissions() -> Iterable[Permission]:
    """For everybody."""
    yield Permission(key="diary.write", group=_("Diary"), description=_("Use it."), held_by=("user", "moderator"))


@hookimpl
def muntin_routes() -> Iterable[Route]:
    """API."""
    yield from routes.routes
