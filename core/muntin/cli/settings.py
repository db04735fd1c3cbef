"""`muntin settings …`: the same sections as on the settings page."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from muntin.translation import _

if TYPE_CHECKING:
    from pydantic import BaseModel

    from muntin.settings.service import SectionView

app = typer.Typer(help="Settings of the panel and of its plugins.", no_args_is_help=True)
Section = Annotated[str, typer.Argument(help="Section, as `list` names it.")]
Field = Annotated[str, typer.Argument(help="Field of the section.")]


@app.command("list")
def list_all(
    section: Annotated[str, typer.Argument(help="Only this section.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every setting, its value, and the environment variable that can decide it; secrets are asterisks."""
    views = [view for view in _views() if section in ("", view.section)]
    if section and not views:
        _fail(_("There is no section {name}.", name=section))
    if as_json:
        typer.echo(json.dumps({view.section: view.values for view in views}, indent=1))
        return
    for view in views:
        for name, value in view.values.items():
            decided = f"  ({view.fixed[name]})" if name in view.fixed else ""
            typer.echo(f"{view.section + '.' + name:40} {json.dumps(value)}{decided}")


@app.command()
def get(section: Section, field: Field) -> None:
    """Print one value as JSON."""
    typer.echo(json.dumps(_view(section, field).values[field]))


@app.command("set")
def change(
    section: Section,
    field: Field,
    value: Annotated[str, typer.Argument(help="JSON or plain text; `-` reads it from standard input.")],
) -> None:
    """Change one value; every process knows it at once."""
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.settings.service import change_settings

    text = sys.stdin.read().rstrip("\n") if value == "-" else value

    async def work(_panel: object) -> None:
        await change_settings(Actor.system(), changes={section: {field: await _typed(section, field, text)}})

    run(work)


@app.command()
def describe(section: Section) -> None:
    """Print a section's fields: kind, default, limits, what each is for, and its environment variable."""
    from muntin.settings.description import described

    views = [view for view in _views() if view.section == section]
    if not views:
        _fail(_("There is no section {name}.", name=section))
    for one in described(section, views[0].model):
        typer.echo(f"{one.name}: {one.kind}, default {one.default}{'; ' + one.limits if one.limits else ''}")
        typer.echo(f"    {one.title}{': ' + one.help if one.help else ''}")
        typer.echo(f"    {one.variable}")


async def _typed(section: str, field: str, text: str) -> Any:
    """Plain text for a field of text, also when it looks like a number; else what JSON makes of it."""
    from muntin.access import Actor
    from muntin.settings.service import read_settings

    for view in await read_settings(Actor.system()):
        if view.section == section and _takes_text(view.model, field):
            return _unquoted(text)
    return _json(text)


def _takes_text(model: type[BaseModel], field: str) -> bool:
    info = model.model_fields.get(field)
    return info is not None and (info.annotation is str or "SecretStr" in str(info.annotation))


def _unquoted(text: str) -> str:
    found = _json(text)
    return found if isinstance(found, str) else text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _views() -> tuple[SectionView, ...]:
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.settings.service import read_settings

    return run(lambda _panel: read_settings(Actor.system()))


def _view(section: str, field: str) -> SectionView:
    found = [view for view in _views() if view.section == section and field in view.values]
    return found[0] if found else _fail(_("There is no setting {name}.", name=f"{section}.{field}"))


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
