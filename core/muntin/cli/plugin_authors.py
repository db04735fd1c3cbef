"""`muntin plugin check` and `muntin plugin new`: for those who write plugins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[str, typer.Argument(help="An installed plugin's name, a project folder, or a wheel.")]
NewName = Annotated[str, typer.Argument(help="Name of the plugin: small letters, digits and underscores.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands with the group `plugin`."""
    app.command()(check)
    app.command()(new)


def check(
    target: Target = ".",
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Leave out why and remedy.")] = False,
) -> None:
    """Check whether a plugin is fit for other people's panels; ends with 1 when it is not."""
    from muntin.conformance import report, running
    from muntin.conformance.finding_subjects import NotFound

    try:
        reports = running.check(target)
    except NotFound as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(report.as_json(reports), indent=2))
    else:
        typer.echo("\n\n".join(report.as_text(one, verbose=not brief) for one in reports))
    if not all(report.passed(one, strict=strict) for one in reports):
        raise typer.Exit(1)


def new(
    name: NewName,
    directory: Annotated[Path, typer.Option(help="Where the plugin's folder is made.")] = Path(),
) -> None:
    """Write a complete plugin to start from: it installs, and passes its own tests and the check."""
    from muntin.scaffold import Refused, write_plugin

    try:
        written = write_plugin(name, directory)
    except Refused as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Wrote {written.folder} ({len(written.files)} files). Next:")
    for line in written.next_steps:
        typer.echo(f"    {line}")
