"""Command groups of the enabled plugins."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from muntin.configuration import Configuration
from muntin.contributions import Command
from muntin.panel import Panel
from muntin.plugins.boundaries import checked
from muntin.plugins.registry import Owned
from muntin.translation import _


def add_contributed(app: typer.Typer, commands: Iterable[Owned[Command]] | None = None) -> None:
    """Add a group for every command that a loaded plugin contributes."""
    if commands is None:
        commands = Panel(Configuration(), process="command").registry.known(Command)
    for owned in commands:
        try:
            group = checked(owned.plugin, f"command {owned.value.name}", owned.value.app(), typer.Typer)
            app.add_typer(group, name=owned.value.name, help=owned.value.help)
        except Exception as error:  # noqa: BLE001 - a plugin's; the commands of the others stay
            text = _("The commands of the plugin {plugin} are left out: {error}", plugin=owned.plugin, error=error)
            typer.echo(text, err=True)
