"""`muntin egg …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from muntin.contributions import Command

if TYPE_CHECKING:
    from muntin_gameservers.nests.schemas import Egg, EggFile

Format = Literal["own", "PTDL_v1", "PTDL_v2", "PLCN_v1", "PLCN_v2", "PLCN_v3"]


def command() -> Command:
    """The group of commands."""
    return Command(name="egg", help="Game definitions.", app=app)


def app() -> typer.Typer:
    """The Typer application; built when it is used."""
    eggs = typer.Typer(help="Game definitions.", no_args_is_help=True)
    eggs.command("import")(import_file)
    eggs.command("export")(export_file)
    return eggs


def import_file(
    file: Annotated[Path, typer.Argument(help="Egg file, JSON or YAML.", exists=True, dir_okay=False, readable=True)],
    nest: Annotated[str, typer.Option(help="Nest it goes into; made if there is none of this name.")],
    replace: Annotated[str | None, typer.Option(help="Name of the egg in the nest that the file replaces.")] = None,
) -> None:
    """Import an egg file."""
    from muntin.cli.running import run
    from muntin_gameservers.nests.files import import_into

    async def work(_panel: object) -> Egg:
        return await import_into(nest, file.read_bytes(), file_name=file.name, replace_name=replace)

    egg = run(work)
    typer.echo(f"Imported {egg.name} into {nest}: {egg.id}")
    for warning in egg.warnings:
        typer.echo(f"Note: {warning}", err=True)


def export_file(
    name: Annotated[str, typer.Argument(help="Name of the egg.")],
    nest: Annotated[str | None, typer.Option(help="Nest it is in, when several have one of this name.")] = None,
    format: Annotated[Format, typer.Option(help="Exchange format; own is the one it came in.")] = "PTDL_v2",  # noqa: A002 - the option's name
    out: Annotated[Path | None, typer.Option(help="File to write; its ending chooses JSON or YAML.")] = None,
) -> None:
    """Write an egg to a file, or to the terminal."""
    from muntin.cli.running import run
    from muntin_gameservers.nests.files import export_named

    is_yaml = out is not None and out.suffix in (".yaml", ".yml")

    async def work(_panel: object) -> EggFile:
        version = None if format == "own" else format
        return await export_named(name, nest=nest, version=version, syntax="yaml" if is_yaml else "json")

    file = run(work)
    if out is None:
        typer.echo(file.data.decode(), nl=False)
        return
    out.write_bytes(file.data)
    typer.echo(f"Wrote {out}")
