"""What the core's own pages contribute."""

from __future__ import annotations

from muntin.access import Permission
from muntin.contributions import HealthCheck, NavItem, Slot
from muntin.jobs.administration import PERMISSIONS as JOB_PERMISSIONS
from muntin.pages import (
    account,
    account_keys,
    accounts,
    admin,
    api_docs,
    audit,
    dashboard,
    jobs,
    joining,
    nodes,
    plugins,
    roles,
    settings,
    setup,
    signing_in,
    slots,
    system,
)
from muntin.pages.dialect import PagesDialect
from muntin.pages.live_memory import LIFECYCLES as LIFECYCLES
from muntin.translation import _

DIALECTS = (PagesDialect(), system.SystemDialect())

ROUTES = tuple(
    route
    for module in (
        system,
        signing_in,
        joining,
        setup,
        dashboard,
        account,
        account_keys,
        admin,
        accounts,
        roles,
        nodes,
        plugins,
        settings,
        jobs,
        audit,
        api_docs,
    )
    for route in module.routes
)

PERMISSIONS = (
    Permission(key="admin.metrics", group=_("Panel"), description=_("Read the panel's figures (Prometheus).")),
    Permission(
        key="admin.overview",
        group=_("Panel"),
        description=_("See what needs attention: health, nodes, failed work."),
        held_by=("moderator",),
    ),
    *JOB_PERMISSIONS,
)


def _admin(label: str, path: str, icon: str, permission: str, order: int) -> NavItem:
    return NavItem(label=label, path=path, icon=icon, section="admin", permission=permission, order=order)


NAV_ITEMS = (
    NavItem(label=_("Dashboard"), path="/", icon="home", order=0, permission="account.read"),
    NavItem(label=_("Account"), path="/account", icon="user-circle", section="account", order=0),
    NavItem(label=_("API documentation"), path="/docs/api", icon="book", section="account", order=900),
    _admin(_("Overview"), "/admin", "activity", "admin.overview", 0),
    _admin(_("Nodes"), "/admin/nodes", "server-2", "admin.nodes.list", 200),
    _admin(_("Accounts"), "/admin/accounts", "users", "admin.users.list", 300),
    _admin(_("Roles"), "/admin/roles", "shield", "admin.roles.list", 310),
    _admin(_("Plugins"), "/admin/plugins", "puzzle", "admin.plugins.list", 800),
    _admin(_("Settings"), "/admin/settings", "settings", "admin.settings.general", 810),
    _admin(_("Jobs"), "/admin/jobs", "list-check", "admin.jobs.list", 820),
    _admin(_("Audit log"), "/admin/audit", "history", "admin.audit.view", 830),
)

HEALTH_CHECKS = (HealthCheck(name=_("slots"), check=slots.check_slots),)

SLOTS = (
    Slot(name="dashboard.cards", description=_("Cards on the dashboard; no values.")),
    Slot(name="account.tabs", description=_("Tabs of the account pages; no values.")),
    Slot(name="admin.overview", description=_("Cards on the administrators' overview; no values.")),
    Slot(name="node.cards", description=_("Cards on the page of a node; `node` is the node.")),
    Slot(name="search.results", description=_("Links in the results of the search; `text` is what is looked for.")),
    Slot(name="setup.steps", description=_("Cards of the last step of the first set-up; no values.")),
)
