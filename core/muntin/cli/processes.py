"""`muntin up`, `serve`, `worker`, `migrate`, `doctor`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from muntin.translation import _

if TYPE_CHECKING:
    from muntin.configuration import Configuration
    from muntin.supervisor.plan import ChildPlan


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(up)
    app.command()(serve)
    app.command()(worker)
    app.command()(migrate)
    app.command()(doctor)


def up() -> None:
    """Run everything on this machine: web, worker, and a node if a Docker engine answers."""
    configuration = _configuration()
    _launch(configuration, [_web(configuration), _worker(), *_agent(configuration)], bind=True, hub=True)


def serve() -> None:
    """Run web processes only; the store is migrated first."""
    configuration = _configuration()
    _launch(configuration, [_web(configuration)], bind=True, hub=configuration.on_sqlite)


def worker() -> None:
    """Run a worker only: event delivery and jobs."""
    configuration = _configuration()
    _launch(configuration, [_worker()], bind=False, hub=False)


def migrate() -> None:
    """Bring the store up to date and make what every panel has."""
    from muntin.processes.migrate import main

    raise typer.Exit(main())


def doctor() -> None:
    """Look for problems and name the remedy of each; exit code 1 when there are any."""
    from muntin.doctor import examine

    findings = examine(_configuration())
    for finding in findings:
        typer.echo(f"{'ok     ' if finding.ok else 'PROBLEM'} {finding.name}: {finding.summary}")
        if finding.remedy and not finding.ok:
            typer.echo(f"        {finding.remedy}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def _configuration() -> Configuration:
    from pydantic import ValidationError

    from muntin.configuration import Configuration

    try:
        configuration = Configuration()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            typer.echo(f"MUNTIN_{name}: {problem['msg']}", err=True)
        raise typer.Exit(2) from error
    try:
        configuration.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        typer.echo(
            _("The data folder {path} cannot be made: {reason}", path=configuration.data_dir, reason=error), err=True
        )
        raise typer.Exit(2) from error
    return configuration


def _launch(configuration: Configuration, children: list[ChildPlan], *, bind: bool, hub: bool) -> None:
    from muntin.supervisor import Plan, launch

    launch(
        Plan(
            bind=configuration.bind if bind else None,
            bus_path=str(configuration.bus_path) if hub else None,
            migrate=_program("migrate"),
            quarantine=(sys.executable, "-m", "muntin.cli", "plugin", "quarantine"),
            children=tuple(children),
            announcement=_("muntin is ready at {url}", url=configuration.public_url) if bind else "",
            log_format=configuration.log_format,
        )
    )


def _web(configuration: Configuration) -> ChildPlan:
    from muntin.supervisor import ChildPlan

    return ChildPlan(
        name="web", command=_program("web"), count=configuration.web_processes, takes_socket=True, waits_for_go=True
    )


def _worker() -> ChildPlan:
    from muntin.supervisor import ChildPlan

    return ChildPlan(name="worker", command=_program("worker"))


def _program(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "muntin.processes", name)


def _agent(configuration: Configuration) -> list[ChildPlan]:
    """The local node's agent, when it is wanted."""
    from muntin.supervisor import ChildPlan

    if not configuration.wants_local_node or configuration.safe_mode:
        return []
    config = str(configuration.data_dir.absolute() / "node" / "config.yml")
    command = (sys.executable, "-m", "muntin_node.cli", "run", "--config", config)
    plugins = {"MUNTIN_NODE_PLUGINS": str(configuration.data_dir.absolute() / "plugins" / "current")}
    return [ChildPlan(name="agent", command=command, says_ready=False, overlaps=False, environment=plugins, drain_s=20)]
