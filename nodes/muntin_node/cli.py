"""`muntin-node`: run the agent, enrol it, look at it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from typing import Annotated

import typer

from muntin_node.config import DEFAULT_PATH, NodeConfig, load_config, save_config
from muntin_node.errors import ConfigError, NodeError
from muntin_node.version import agent_version

# Everything else is imported where it is used: `version` and `configure` need not load a web server.
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The agent of a muntin node."
)
ConfigPath = Annotated[Path, typer.Option("--config", envvar="MUNTIN_NODE_CONFIG", help="The node's configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


def main() -> None:
    """The console script."""
    try:
        app()
    except NodeError as error:
        typer.echo(f"muntin-node: {error.message}", err=True)
        raise SystemExit(1) from None


@app.command()
def run(
    config: ConfigPath = DEFAULT_PATH,
    fd: Annotated[int, typer.Option("--fd", help="Descriptor of a socket that listens already.")] = -1,
) -> None:
    """Run the agent until SIGTERM."""
    import uvloop

    from muntin_node.config_store import ConfigStore
    from muntin_node.logs import configure_logging

    store = ConfigStore.from_file(config)
    if not store.current.enrolled:
        raise ConfigError(f"{config} has no panel yet; run `muntin-node configure` first.")
    configure_logging(
        as_json=os.environ.get("MUNTIN_LOG_FORMAT") == "json",
        debug=store.current.debug,
        secrets=lambda: (store.current.token,),
    )
    listener = socket.socket(fileno=fd) if fd >= 0 else None

    async def serve() -> None:
        from muntin_node.agent import Agent
        from muntin_node.halves import discover

        shutdown = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, shutdown.set)
        await Agent(store, *discover(store.current.muntin.halves), listener=listener).run(shutdown)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


@app.command()
def configure(
    panel_url: Annotated[str, typer.Option(help="E.g. https://panel.example.com")],
    token: Annotated[str, typer.Option(envvar="MUNTIN_NODE_TOKEN", help="The one-time token the panel shows.")],
    config: ConfigPath = DEFAULT_PATH,
) -> None:
    """Exchange a one-time token for this node's configuration and write it."""
    from muntin_node.enrolment import enrol

    base = load_config(config) if config.exists() else NodeConfig()
    save_config(config, asyncio.run(enrol(panel_url, token, base=base)))
    typer.echo(f"Enrolled. The configuration is in {config}; start the agent with `muntin-node run`.")


@app.command()
def doctor(config: ConfigPath = DEFAULT_PATH) -> None:
    """Name each problem of this node and its remedy."""
    from muntin_node.doctor import examine

    problems = examine(load_config(config))
    for problem in problems:
        typer.echo(f"{problem.what}\n  {problem.remedy}")
    if problems:
        raise typer.Exit(1)
    typer.echo("Nothing is wrong.")


@app.command()
def routes(as_json: AsJson = False) -> None:
    """List every route of the agent and of the installed halves; connects nowhere."""
    from muntin_node.app import create_app, routes_of
    from muntin_node.config_store import ConfigStore
    from muntin_node.halves import Halves, discover
    from muntin_node.tokens import NodeTokens

    store = ConfigStore(NodeConfig())
    rows = routes_of(create_app(store, Halves(*discover()), NodeTokens(store), started_only=False))
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        method = "WEBSOCKET" if row["websocket"] else row["method"]
        typer.echo(f"{method:9} {row['path']:60} {row['half']:16} {row['access']}")


@app.command()
def version() -> None:
    """The agent's version."""
    typer.echo(agent_version())


if __name__ == "__main__":
    main()
