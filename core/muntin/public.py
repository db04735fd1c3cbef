"""What plugins may import. `docs/plugins/public.md` says the same for people; a test compares the two.

`muntin plugin check` reports every other module of the panel or the agent that a plugin imports. A package stands for
itself alone, not for its modules, except where `is_public` says otherwise.
"""

from __future__ import annotations

__all__ = ["AGENT", "PANEL", "TESTING", "is_public"]

PANEL = frozenset(
    {
        "muntin.access",
        "muntin.accounts.lookup",
        "muntin.accounts.models",
        "muntin.api.conditions",
        "muntin.api.json",
        "muntin.audit",
        "muntin.bus",
        "muntin.bus.exact_limits",
        "muntin.call",
        "muntin.cli.running",
        "muntin.clock",
        "muntin.connections",
        "muntin.contributions",
        "muntin.database",
        "muntin.database.identifiers",
        "muntin.database.migrations",
        "muntin.deletion",
        "muntin.dialects",
        "muntin.dispatch",
        "muntin.encryption",
        "muntin.errors",
        "muntin.events",
        "muntin.jobs",
        "muntin.jobs.own",
        "muntin.limits",
        "muntin.mail",
        "muntin.nodes.client",
        "muntin.nodes.credentials",
        "muntin.nodes.dialect",
        "muntin.nodes.models",
        "muntin.nodes.reporting",
        "muntin.nodes.service",
        "muntin.nodes.tls",
        "muntin.nodes.tokens",
        "muntin.outgoing",
        "muntin.pages",
        "muntin.pages.answers",
        "muntin.pages.forms",
        "muntin.pages.live",
        "muntin.pages.multipart",
        "muntin.pages.rows",
        "muntin.pages.slots",
        "muntin.pages.submitting",
        "muntin.pages.tables",
        "muntin.panel",
        "muntin.plugins",
        "muntin.plugins.files",
        "muntin.routing",
        "muntin.runtime",
        "muntin.schemas",
        "muntin.settings",
        "muntin.signing",
        "muntin.translation",
        "muntin.vetoes",
    }
)
"""Modules of the panel."""

AGENT = frozenset(
    {
        "muntin_node.access",
        "muntin_node.bodies",
        "muntin_node.cgroups",
        "muntin_node.config",
        "muntin_node.config_sections",
        "muntin_node.context",
        "muntin_node.contributions",
        "muntin_node.errors",
        "muntin_node.fanout",
        "muntin_node.file_trees",
        "muntin_node.files",
        "muntin_node.hookspecs",
        "muntin_node.http_client",
        "muntin_node.openat2",
        "muntin_node.panel",
        "muntin_node.processes",
        "muntin_node.system",
        "muntin_node.threads",
        "muntin_node.tokens",
    }
)
"""Modules of the agent, for node halves."""

TESTING = "muntin.testing"
"""For tests: the package with all its modules."""


def is_public(module: str) -> bool:
    """Whether a plugin may import a module of `muntin` or `muntin_node`."""
    if module in {"muntin", "muntin_node"} or module in PANEL or module in AGENT:
        return True
    return module == TESTING or module.startswith(f"{TESTING}.")
