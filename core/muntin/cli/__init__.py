"""The command `muntin`. Heavy imports happen inside the commands, so that help and `up` start at once."""

from __future__ import annotations

import sys

import typer

from muntin.cli import accounts, inspection, nodes, plugins, processes

app = typer.Typer(help="A hosting panel made of plugins.", no_args_is_help=True, pretty_exceptions_enable=False)
processes.add_to(app)
inspection.add_to(app)
app.add_typer(accounts.app, name="account")
app.add_typer(nodes.app, name="node")
app.add_typer(plugins.app, name="plugin")


def main() -> None:
    """Entry point of the command line; a group that is not ours is looked for among the plugins' commands."""
    ours = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if first not in ours:
        from muntin.cli.contributed import add_contributed

        add_contributed(app)
    app()
