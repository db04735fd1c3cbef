"""`muntin routes`, `openapi`, `events`: what this panel offers and what happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from muntin.routing import Route


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(routes)
    app.command()(openapi)
    events = typer.Typer(help="What happened.", no_args_is_help=True)
    events.command("list")(list_events)
    events.command("tail")(tail_events)
    app.add_typer(events, name="events")


def routes(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every route: method, path, plugin, dialect, permission, service."""
    listed = [
        {
            "method": route.method,
            "path": route.path,
            "plugin": route.plugin,
            "dialect": route.dialect,
            "permission": route.permission,
            "service": f"{route.service.__module__}.{route.service.__name__}" if route.service else None,
        }
        for route in _routes()
    ]
    if as_json:
        typer.echo(json.dumps(listed, indent=1))
        return
    for one in listed:
        typer.echo(f"{one['method']:7} {one['path']:60} {one['plugin']:14} {one['permission'] or '-'}")


def _routes() -> list[Route]:
    from muntin.configuration import Configuration
    from muntin.contributions import Route
    from muntin.panel import Panel

    registry = Panel(Configuration(), process="command").registry
    return sorted((owned.value for owned in registry.known(Route)), key=lambda r: (r.dialect, r.path, r.method))


def openapi() -> None:
    """Print the OpenAPI document of the native API."""
    from muntin.access import Actor
    from muntin.api.json import dumps
    from muntin.api.openapi_routes import native_description
    from muntin.cli.running import run

    typer.echo(dumps(run(lambda _panel: native_description(Actor.system()))).decode())


def list_events() -> None:
    """List the types of events that can happen, with their versions."""
    from muntin.configuration import Configuration
    from muntin.events import Event, EventCatalogue
    from muntin.panel import Panel

    registry = Panel(Configuration(), process="command").registry
    classes = [owned.value for owned in registry.known(type) if issubclass(owned.value, Event)]
    for one in EventCatalogue(classes).describe():
        typer.echo(f"{one['type']:36} v{one['version']}  {one['description']}")


def tail_events(
    number: Annotated[int, typer.Option("--number", "-n", help="How many of the latest.")] = 20,
) -> None:
    """Show the latest events."""
    from muntin.cli.running import run
    from muntin.events.models import OutboxRow

    async def latest(_panel: object) -> list[OutboxRow]:
        return await OutboxRow.all().order_by("-occurred_at").limit(number)

    for row in reversed(run(latest)):
        when = row.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        typer.echo(f"{when} {row.type:32} {row.resource_type}:{row.resource_id} #{row.sequence}")
