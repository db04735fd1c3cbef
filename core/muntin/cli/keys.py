"""`muntin key …`: the secret everything is encrypted and signed with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from muntin.translation import _

if TYPE_CHECKING:
    from muntin.configuration import Configuration
    from muntin.key_rotation import Tally
    from muntin.panel import Panel

app = typer.Typer(help="The secret that encrypts and signs.", no_args_is_help=True)
PASSES = 10
PAUSE_S = 1.0  # for what other processes were just writing with the older key


@app.command()
def status() -> None:
    """Count the encrypted values by how they can be read; change nothing."""
    from muntin.cli.running import run

    tally = run(_count)
    typer.echo(_("{count} made by the newest key.", count=sum(tally.current.values())))
    _show(_("{count} made by an earlier key:"), tally.waiting)
    _show(_("{count} that no key reads:"), tally.unreadable)
    raise typer.Exit(1 if tally.waiting or tally.unreadable else 0)


@app.command()
def rotate(
    only_this_host: Annotated[
        bool, typer.Option("--only-this-host", help="No other machine runs this panel, though it is on PostgreSQL.")
    ] = False,
) -> None:
    """Make a new key and encrypt everything anew with it; broken off, run it again."""
    from muntin.cli.running import run
    from muntin.configuration import Configuration

    configuration = Configuration()
    if configuration.secret_key is None and not configuration.on_sqlite and not only_this_host:
        typer.echo(
            _(
                "This panel may run on several hosts. Give each the new key with MUNTIN_SECRET_KEY and the old one "
                "with MUNTIN_SECRET_KEY_PREVIOUS (docs/operators/keys.md), or say --only-this-host."
            ),
            err=True,
        )
        raise typer.Exit(1)
    made = configuration.secret_key is None and _make_key(configuration)
    tally = run(_encrypt_anew)
    if made:
        typer.echo(_("A new key was made; the earlier one can still be read with."))
    typer.echo(_("{count} values were encrypted anew.", count=sum(tally.renewed.values())))
    _show(_("{count} that no key reads were left as they are:"), tally.unreadable)
    typer.echo(_("When every process runs with the new key: muntin key forget"))


@app.command()
def forget() -> None:
    """Throw earlier keys away, when nothing needs them any more."""
    from muntin.cli.running import run
    from muntin.configuration import Configuration

    tally = run(_count)
    if tally.waiting:
        _show(_("{count} values still need an earlier key; run muntin key rotate:"), tally.waiting, err=True)
        raise typer.Exit(1)
    configuration = Configuration()
    if configuration.secret_key is None:
        keys = configuration.key_file.keys()
        configuration.key_file.replace(keys[:1])
        typer.echo(_("{count} earlier keys were thrown away.", count=len(keys) - 1))
    if configuration.secret_key_previous is not None:
        typer.echo(_("Nothing needs MUNTIN_SECRET_KEY_PREVIOUS any more; take it from the environment of every host."))


async def _count(_panel: Panel) -> Tally:
    from muntin.encryption import panel_encryption
    from muntin.key_rotation import count_values

    return await count_values(panel_encryption())


def _make_key(configuration: Configuration) -> bool:
    """A fresh key, unless a rotation was broken off: then that one's goes on."""
    from muntin.cli.running import run
    from muntin.key_file import new_key

    keys = configuration.key_file.keys()
    if len(keys) > 1 and run(_count).waiting:
        return False
    configuration.key_file.replace((new_key().encode(), *keys))
    return True


async def _encrypt_anew(_panel: Panel) -> Tally:
    """Pass after pass, until one finds nothing to do."""
    from muntin import audit
    from muntin.access import Actor
    from muntin.database import transaction
    from muntin.encryption import panel_encryption
    from muntin.key_rotation import Tally, encrypt_all_anew

    total = Tally()
    for number in range(PASSES):
        if number:
            await asyncio.sleep(PAUSE_S)
        tally = await encrypt_all_anew(panel_encryption())
        total.current, total.unreadable = tally.current, tally.unreadable
        for name, count in tally.renewed.items():
            total.renewed[name] = total.renewed.get(name, 0) + count
        if not tally.renewed:
            break
    async with transaction() as events:
        facts = {"renewed": total.renewed, "unreadable": total.unreadable}
        await audit.record(events, Actor.system(), "key.rotated", ("panel", "key"), facts)
    return total


def _show(heading: str, counts: dict[str, int], *, err: bool = False) -> None:
    if not counts:
        return
    typer.echo(heading.format(count=sum(counts.values())), err=err)
    for name, count in sorted(counts.items()):
        typer.echo(f"  {count:8}  {name}", err=err)
