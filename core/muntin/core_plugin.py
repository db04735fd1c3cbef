"""The core's own contributions, through the same hooks as everybody's."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from muntin import __version__
from muntin.accounts import contributions as accounts
from muntin.api import (
    account_routes,
    admin_api_keys_routes,
    audit_routes,
    auth_routes,
    health_routes,
    jobs_routes,
    nodes_routes,
    openapi_routes,
    permissions_routes,
    roles_routes,
    settings_routes,
    users_routes,
)
from muntin.api.dialect import NativeDialect
from muntin.audit import contributions as audit
from muntin.audit.words import own_words
from muntin.contributions import (
    AuditWords,
    Cron,
    Dialect,
    HealthCheck,
    Lifecycle,
    MailTemplate,
    Models,
    Moment,
    NavItem,
    Permission,
    Route,
    Saga,
    SettingsModel,
    Slot,
    Task,
    Templates,
)
from muntin.events import Event
from muntin.housekeeping import JOBS as HOUSEKEEPING
from muntin.mail import contributions as mail
from muntin.nodes import contributions as nodes
from muntin.nodes.dialect import NodeDialect
from muntin.pages import contributions as pages
from muntin.plugins import contributions as plugins
from muntin.plugins import hookimpl
from muntin.plugins.discovery import Manifest
from muntin.plugins.loading import LoadedPlugin, collect_contributions
from muntin.roles import contributions as roles
from muntin.settings import contributions as settings

MODELS = (
    "muntin.accounts.models",
    "muntin.audit.models",
    "muntin.bus.models",
    "muntin.events.models",
    "muntin.idempotency",
    "muntin.jobs.models",
    "muntin.mail.models",
    "muntin.nodes.models",
    "muntin.plugins.models",
    "muntin.roles.models",
    "muntin.settings.models",
)
PARTS = (accounts, audit, mail, nodes, pages, plugins, roles, settings)


def load_core() -> LoadedPlugin:
    """The core as a plugin: always enabled, listed first."""
    module = sys.modules[__name__]
    manifest = Manifest(name="core", module=__name__, distribution="muntin", version=__version__)
    return LoadedPlugin(manifest, module, tuple(collect_contributions("core", module)))


@hookimpl
def muntin_models() -> Models:
    return Models(label="core", modules=MODELS, migrations="muntin.migrations")


@hookimpl
def muntin_dialects() -> Iterable[Dialect]:
    yield NativeDialect()
    yield NodeDialect()
    yield from pages.DIALECTS


@hookimpl
def muntin_routes() -> Iterable[Route]:
    for module in (
        account_routes,
        admin_api_keys_routes,
        audit_routes,
        auth_routes,
        health_routes,
        jobs_routes,
        nodes_routes,
        openapi_routes,
        permissions_routes,
        roles_routes,
        settings_routes,
        users_routes,
    ):
        yield from module.routes
    yield from nodes.ROUTES
    yield from pages.ROUTES


@hookimpl
def muntin_permissions() -> Iterable[Permission]:
    for part in PARTS:
        yield from getattr(part, "PERMISSIONS", ())


@hookimpl
def muntin_settings() -> Iterable[SettingsModel]:
    yield from settings.SETTINGS


@hookimpl
def muntin_events() -> Iterable[type[Event]]:
    for part in PARTS:
        yield from getattr(part, "EVENTS", ())


@hookimpl
def muntin_jobs() -> Iterable[Task | Saga | Cron]:
    for part in PARTS:
        yield from getattr(part, "JOBS", ())
    yield from HOUSEKEEPING


@hookimpl
def muntin_mail_templates() -> Iterable[MailTemplate]:
    for part in PARTS:
        yield from getattr(part, "MAIL_TEMPLATES", ())


@hookimpl
def muntin_templates() -> Templates:
    return Templates(templates=Path(__file__).parent / "templates")


@hookimpl
def muntin_audit_words() -> Iterable[AuditWords]:
    yield from own_words()


@hookimpl
def muntin_nav_items() -> Iterable[NavItem]:
    yield from pages.NAV_ITEMS


@hookimpl
def muntin_slots() -> Iterable[Slot]:
    yield from pages.SLOTS


@hookimpl
def muntin_moments() -> Iterable[Moment]:
    for part in PARTS:
        yield from getattr(part, "MOMENTS", ())


@hookimpl
def muntin_lifecycle() -> Iterable[Lifecycle]:
    for part in PARTS:
        yield from getattr(part, "LIFECYCLES", ())


@hookimpl
def muntin_health_checks() -> Iterable[HealthCheck]:
    for part in PARTS:
        yield from getattr(part, "HEALTH_CHECKS", ())
