"""Command groups of the enabled plugins."""

from __future__ import annotations

import typer

from muntin.configuration import Configuration
from muntin.contributions import Command
from muntin.panel import Panel


def add_contributed(app: typer.Typer) -> None:
    """Add a group for every command that a loaded plugin contributes."""
    for owned in Panel(Configuration(), process="command").registry.known(Command):
        app.add_typer(owned.value.app(), name=owned.value.name, help=owned.value.help)
