"""Hooks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from muntin.access import Permission
from muntin.contributions import Models, NavItem, Templates
from muntin.plugins import hookimpl
from muntin.routing import Route
from muntin.translation import _
from muntin_wishes import pages, routes


@hookimpl
def muntin_models() -> Models:
    """One table."""
    return Models(label="wishes", modules=("muntin_wishes.models",), migrations="muntin_wishes.migrations")


@hookimpl
def muntin_permissions() -> Iterable[Permission]:
    """For everybody."""
    yield Permission(key="wishes.write", group=_("Wishes"), description=_("Use it."), held_by=("user", "moderator"))


@hookimpl
def muntin_routes() -> Iterable[Route]:
    """API and page."""
    yield from routes.routes
    yield from pages.routes


@hookimpl
def muntin_templates() -> Templates:
    """The page's template."""
    return Templates(templates=Path(__file__).parent / "templates")


@hookimpl
def muntin_nav_items() -> Iterable[NavItem]:
    """The way to the page."""
    yield NavItem(label=_("Wishes"), path="/wishes", permission="wishes.write")
