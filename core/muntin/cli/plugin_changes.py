"""`muntin plugin install|upgrade|uninstall|purge|sync`: changing the set of plugins, told step by step."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

if TYPE_CHECKING:
    from muntin.access import Actor
    from muntin.plugins.installing.report import Report, Step
    from muntin.plugins.installing.service import DataChoice, Order
    from muntin.plugins.installing.sources import Sources
    from muntin.plugins.manifest import Manifest

T = TypeVar("T")
Name = Annotated[str, typer.Argument(help="Name of the plugin.")]
Wanted = Annotated[str, typer.Argument(help="A wheel, or a distribution such as muntin-notes or 'muntin-notes>=2'.")]
Index = Annotated[str, typer.Option(help="Ask this package index.")]
Online = Annotated[bool, typer.Option("--online", help="With a wheel: ask the package index for what it needs.")]
FindLinks = Annotated[list[Path] | None, typer.Option(help="A folder of wheels to look into; may be given twice.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands with the group `plugin`."""
    for command in (install, upgrade, uninstall, purge, sync):
        app.command()(command)


def install(
    wanted: Wanted,
    index: Index = "",
    online: Online = False,
    find_links: FindLinks = None,
) -> None:
    """Install a plugin. A wheel is installed without asking any network; a name asks the package index."""
    from muntin.plugins.installing.environment import REPORT
    from muntin.plugins.installing.ordering import forget_upload
    from muntin.plugins.installing.service import install_plugin

    target, sources = _target(wanted), _sources(wanted, index, online, find_links)
    try:
        _run(lambda actor, order: install_plugin(actor, target, sources=sources, order=order))
    finally:
        if isinstance(target, Path) and os.environ.get(REPORT):
            forget_upload(target)  # only what a page took in


def upgrade(wanted: Wanted, index: Index = "", online: Online = False, find_links: FindLinks = None) -> None:
    """Install another version of a plugin that is installed; a failure puts back the one before."""
    from muntin.plugins.installing.service import install_plugin

    target, sources = _target(wanted), _sources(wanted, index, online, find_links)
    _run(lambda actor, order: install_plugin(actor, target, sources=sources, upgrade=True, order=order))


def uninstall(
    name: Name,
    keep: Annotated[bool, typer.Option("--keep", help="Keep its data for a later installation.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write its data into this zip, then purge it.")] = None,
    purge: Annotated[bool, typer.Option("--purge", help="Delete everything it left.")] = False,
) -> None:
    """Uninstall a plugin and keep, export or purge its data; asks which when none is said."""
    from muntin.plugins.installing.service import uninstall_plugin

    data = _data_choice(name, keep, export is not None, purge)
    target = export or Path(f"{name}-export.zip") if data == "export" else None
    _run(lambda actor, order: uninstall_plugin(actor, name, data=data, export_to=target, order=order))


def purge(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything that a plugin left that is not installed any more. This cannot be undone."""
    from muntin.plugins.installing.service import purge_plugin

    if not yes:
        typer.confirm(f"Delete everything that {name} left?", abort=True)
    _run(lambda actor, order: purge_plugin(actor, name, order=order))


def sync(index: Index = "", find_links: FindLinks = None) -> None:
    """Install here what `plugins/declared.toml` in the data folder says: on a second host, or in a new container."""
    from muntin.plugins.installing.service import sync_plugins
    from muntin.plugins.installing.sources import Sources

    sources = Sources(index=index, online=True, find_links=tuple(find_links or ()))
    _run(lambda actor, order: sync_plugins(actor, sources=sources, order=order))


def refusable(work: Callable[[], T]) -> T:
    """Do the work; an expected failure ends the command with its message."""
    from muntin.errors import MuntinError

    try:
        return work()
    except MuntinError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error


def show(manifest: Manifest) -> None:
    """Print a manifest."""
    needs = [f"{one} {wanted}".strip() for one, wanted in {**manifest.requires, **manifest.needs}.items()]
    typer.echo(f"{manifest.name} {manifest.version} ({manifest.distribution})\n{manifest.summary}")
    typer.echo(f"needs: {', '.join(needs) or 'nothing'}")
    typer.echo(f"asks for: {'; '.join(manifest.capabilities.in_words()) or 'nothing'}")
    if manifest.node_halves:
        typer.echo(f"on nodes: {', '.join(manifest.node_halves)}")
    if manifest.problem:
        typer.echo(f"problem: {manifest.problem}\nremedy: {manifest.remedy}")


def _target(wanted: str) -> str | Path:
    return Path(wanted) if wanted.endswith(".whl") else wanted


def _sources(wanted: str, index: str, online: bool, find_links: list[Path] | None) -> Sources:
    from muntin.plugins.installing.sources import Sources

    folders = tuple(find_links or ())
    asks = online or bool(index) or (not wanted.endswith(".whl") and not folders)
    return Sources(index=index, online=asks, find_links=folders)


def _data_choice(name: str, keep: bool, export: bool, purge: bool) -> DataChoice:
    chosen: list[DataChoice] = []
    for choice, said in (("keep", keep), ("export", export), ("purge", purge)):
        if said:
            chosen.append(choice)  # type: ignore[arg-type]  # a tuple of literals is read as text
    if len(chosen) > 1:
        typer.echo("Choose one of --keep, --export and --purge.", err=True)
        raise typer.Exit(2)
    if chosen:
        return chosen[0]
    said = typer.prompt(f"What is to become of the data of {name}? keep, export or purge", default="keep")
    if said not in ("keep", "export", "purge"):
        typer.echo("Say keep, export or purge.", err=True)
        raise typer.Exit(2)
    return said  # type: ignore[no-any-return]  # looked at above


def _run(work: Callable[[Actor, Order], Awaitable[Report]]) -> None:
    """Make a change and tell its steps; one that was ordered on a page is made in the name of who ordered it."""
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.plugins.installing.acting import actor_of
    from muntin.plugins.installing.environment import BY, REPORT
    from muntin.plugins.installing.service import Order

    by, report_id = os.environ.get(BY), os.environ.get(REPORT)

    async def change(_panel: object) -> Report:
        actor = await actor_of(UUID(by)) if by else Actor.system()
        return await work(actor, Order(listener=_tell, report_id=UUID(report_id) if report_id else None))

    report = run(change)
    typer.echo(f"{report.target}: {report.action} done.")


def _tell(step: Step) -> None:
    mark = "undid" if step.undoes and step.state == "done" else {"done": "ok", "failed": "FAILED"}[step.state]
    typer.echo(f"{mark:7} {step.title}{': ' + step.text if step.text else ''} ({step.seconds:.1f} s)")
