"""`muntin node …`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Machines that run workloads.", no_args_is_help=True)


@app.command("list")
def list_all() -> None:
    """List the nodes and their state."""
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.nodes.schemas import NodeQuery
    from muntin.nodes.service import list_nodes

    for node in run(lambda _panel: list_nodes(Actor.system(), NodeQuery(per_page=100))).items:
        typer.echo(f"{node.name:24} {node.status:12} {node.fqdn}:{node.daemon_port}  {node.id}")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the node.")],
    fqdn: Annotated[str, typer.Argument(help="Host name or address the panel reaches it at.")],
    memory: Annotated[int, typer.Option(help="MiB of memory for workloads.")],
    disk: Annotated[int, typer.Option(help="MiB of disk for workloads.")],
    scheme: Annotated[str, typer.Option(help="http or https.")] = "https",
    port: Annotated[int, typer.Option(help="Port of the agent.")] = 8080,
) -> None:
    """Add a node and print the command that makes a machine it."""
    from muntin.access import Actor
    from muntin.cli.running import run
    from muntin.dialects import validate
    from muntin.nodes.schemas import NodeIn
    from muntin.nodes.service import create_node, issue_enrolment_token

    async def work(_panel: object) -> str:
        values = {"name": name, "fqdn": fqdn, "memory": memory, "disk": disk, "scheme": scheme, "daemon_port": port}
        node = await create_node(Actor.system(), validate(NodeIn, values))
        return (await issue_enrolment_token(Actor.system(), node.id)).command

    typer.echo("Run this on the machine within an hour:")
    typer.echo(run(work))


@app.command()
def config(name: Annotated[str, typer.Argument(help="Name of the node.")]) -> None:
    """Print a node's configuration file, token included."""
    from dataclasses import asdict

    import yaml

    from muntin.cli.running import run
    from muntin.nodes.service import configuration_of, node_named

    async def work(_panel: object) -> str:
        values = asdict(configuration_of(await node_named(name)))
        return yaml.safe_dump({**values, "uuid": str(values["uuid"])}, sort_keys=False)

    typer.echo(run(work))
