"""The command `muntin`. Heavy imports happen inside the commands, so that help and `up` start at once."""

from __future__ import annotations

import gc
import sys

import typer

from muntin.cli import accounts, events, inspection, keys, nodes, plugins, processes, settings

app = typer.Typer(help="A hosting panel made of plugins.", no_args_is_help=True, pretty_exceptions_enable=False)
processes.add_to(app)
inspection.add_to(app)
app.add_typer(accounts.app, name="account")
app.add_typer(events.app, name="events")
app.add_typer(keys.app, name="key")
app.add_typer(nodes.app, name="node")
app.add_typer(plugins.app, name="plugin")
app.add_typer(settings.app, name="settings")

YOUNG_OBJECTS = 50_000
"""Nearly everything an import makes stays: looking at it less often takes a tenth from the start of a command."""


def main() -> None:
    """Entry point of the command line; a group that is not ours is looked for among the plugins' commands."""
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if first not in _ours():
        from muntin.cli.contributed import add_contributed

        add_contributed(app)
    app()


def _ours() -> set[str | None]:
    """Names of our own commands and groups; a command without a name is called like its function."""
    commands = {one.name or (one.callback.__name__ if one.callback else None) for one in app.registered_commands}
    return commands | {group.name for group in app.registered_groups}
