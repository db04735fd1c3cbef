"""`muntin plugin …`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Installed plugins.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the plugin.")]


@app.command("list")
def list_all() -> None:
    """List the installed plugins and their state."""
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.plugins.states import list_plugins

    for plugin in run(lambda _panel: list_plugins(Actor.system())):
        typer.echo(f"{plugin.name:20} {plugin.version:10} {plugin.state:12} {plugin.reason or plugin.summary}")


@app.command()
def info(name: Name) -> None:
    """Show what is known of a plugin without importing it."""
    from muntin.plugins.discovery import installed_plugins

    manifest = installed_plugins().get(name)
    if manifest is None:
        typer.echo(f"No plugin {name} is installed.", err=True)
        raise typer.Exit(1)
    needs = ", ".join(f"{one} {range_}".strip() for one, range_ in manifest.requires.items())
    typer.echo(f"{manifest.name} {manifest.version} ({manifest.distribution})\n{manifest.summary}\nneeds: {needs}")
    if manifest.problem:
        typer.echo(f"problem: {manifest.problem}")


@app.command()
def enable(name: Name) -> None:
    """Enable a plugin, in every running process, at once."""
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.plugins.states import enable_plugin

    run(lambda _panel: enable_plugin(Actor.system(), name))
    typer.echo(f"{name} is enabled.")


@app.command()
def disable(name: Name) -> None:
    """Disable a plugin, in every running process, at once; its data stays."""
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.plugins.states import disable_plugin

    run(lambda _panel: disable_plugin(Actor.system(), name))
    typer.echo(f"{name} is disabled.")


@app.command()
def quarantine(name: Name, reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """Take a plugin out because it stood in the way; `enable` undoes it."""
    from muntin.cli.running import run
    from muntin.plugins.states import quarantine_plugin

    run(lambda _panel: quarantine_plugin(name, reason))
    typer.echo(f"{name} is quarantined.")


@app.command()
def makemigrations(
    name: Name, title: Annotated[str, typer.Option(help="What the migration does, for its file name.")] = ""
) -> None:
    """Write a migration for what changed in a plugin's models; only that plugin's files are touched."""
    import asyncio

    from muntin.configuration import Configuration
    from muntin.database.migrations import make_migrations
    from muntin.panel import Panel

    panel = Panel(Configuration(), process="command")
    if name not in {app.label for app in panel.apps}:
        typer.echo(f"{name} is not loaded, or has no tables.", err=True)
        raise typer.Exit(1)
    path = asyncio.run(make_migrations(panel.apps, name, title or None))
    typer.echo(str(path) if path else "Nothing changed.")
