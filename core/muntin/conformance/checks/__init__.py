"""The checks, by what they need: the project's files, the plugin in memory, its tables, an open panel."""

from __future__ import annotations

from muntin.conformance.checks import (
    attacks,
    contributions,
    events,
    jobs,
    loading,
    manifest,
    pages,
    project,
    routes,
    settings,
    sources,
    switching,
    tables,
    templates,
)
from muntin.conformance.finding import Rule

RULES: tuple[Rule, ...] = tuple(
    rule
    for module in (
        manifest,
        project,
        sources,
        loading,
        contributions,
        routes,
        settings,
        events,
        jobs,
        templates,
        tables,
        pages,
        attacks,
        switching,
    )
    for rule in vars(module).values()
    if isinstance(rule, Rule)
)
"""Every rule there is."""

__all__ = ["RULES"]
