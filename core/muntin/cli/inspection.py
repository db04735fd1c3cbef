"""`muntin routes`, `openapi`: what this panel offers."""

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
