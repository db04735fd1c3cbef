"""`muntin plugin …`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from muntin.cli import plugin_authors, plugin_changes
from muntin.cli.plugin_changes import refusable, show

app = typer.Typer(help="Installed plugins.", no_args_is_help=True)
plugin_changes.add_to(app)
plugin_authors.add_to(app)
Name = Annotated[str, typer.Argument(help="Name of the plugin.")]


@app.command("list")
def list_all(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the installed plugins and their state, and those whose data was kept."""
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.plugins.states import list_plugins

    found = run(lambda _panel: list_plugins(Actor.system()))
    if as_json:
        typer.echo(json.dumps([asdict(plugin) for plugin in found], indent=1))
        return
    for plugin in found:
        typer.echo(f"{plugin.name:20} {plugin.version:10} {plugin.state:12} {plugin.reason or plugin.summary}")
        if plugin.reason and plugin.remedy:
            typer.echo(f"{'':44} {plugin.remedy}")


@app.command()
def info(target: Annotated[str, typer.Argument(help="Name of an installed plugin, or a wheel.")]) -> None:
    """Show what is known of a plugin without importing it: versions, needs, capabilities, problem and remedy."""
    from muntin.configuration import Configuration
    from muntin.plugins.discovery import installed_plugins
    from muntin.plugins.generations import activate
    from muntin.plugins.installing.wheels import open_wheel

    if target.endswith(".whl"):
        manifests = refusable(lambda: list(open_wheel(Path(target)).manifests.values()))
    else:
        activate(Configuration().data_dir)
        manifests = [one for one in [installed_plugins().get(target)] if one]
    if not manifests:
        typer.echo(f"There is no plugin {target}.", err=True)
        raise typer.Exit(1)
    for manifest in manifests:
        show(manifest)


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
def quarantine(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    loading: Annotated[bool, typer.Option(help="It did harm while it was imported: leave it alone.")] = False,
) -> None:
    """Take a plugin out because it stood in the way; `enable` undoes it."""
    from muntin.cli.running import run
    from muntin.plugins.quarantine import quarantine

    changed = run(lambda _panel: quarantine(name, reason, loading=loading), plugins=())
    typer.echo(f"{name} is quarantined." if changed else f"{name} was not enabled.")


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
