"""`muntin events …`: what can happen, what happened, and what happens now."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from muntin.translation import _

if TYPE_CHECKING:
    from muntin.events.models import OutboxRow
    from muntin.panel import Panel

app = typer.Typer(help="What happened.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
POLL_S = 1.0
LATE = timedelta(minutes=2)  # the longest a transaction takes from making an event to its commit


@app.command("list")
def list_events(as_json: AsJson = False) -> None:
    """List the types of events that can happen, with their versions; as JSON with their schemas."""
    from dataclasses import asdict

    from muntin.cli.running import run
    from muntin.events import EventType, event_types

    async def known(_panel: object) -> tuple[EventType, ...]:
        return event_types()

    for one in run(known):
        if as_json:
            typer.echo(json.dumps(asdict(one)))
        else:
            typer.echo(f"{one.type:36} v{one.version}  {one.plugin:14} {one.description}")


@app.command("tail")
def tail_events(
    number: Annotated[int, typer.Option("--number", "-n", min=0, help="How many of the latest first.")] = 20,
    types: Annotated[
        list[str] | None, typer.Option("--type", "-t", help="Only these: server.created, server.*; may be repeated.")
    ] = None,
    as_json: AsJson = False,
    follow: Annotated[bool, typer.Option(help="Go on with what happens now, until interrupted.")] = True,
) -> None:
    """Show the latest events, then each new one as it happens."""
    from muntin.cli.running import run

    async def tail(panel: Panel) -> None:
        await _tail(panel, number, tuple(types or ("*",)), as_json=as_json, follow=follow)

    try:
        run(tail)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _tail(panel: Panel, number: int, patterns: tuple[str, ...], *, as_json: bool, follow: bool) -> None:
    from muntin.events import on_written
    from muntin.worker import WRITTEN

    woken = asyncio.Event()
    panel.bus.subscribe(WRITTEN, lambda *_: woken.set())
    on_written(woken.set)
    began = datetime.now(UTC)
    seen = {row.id for row in await _since(began - LATE)}
    first = await _latest(number, patterns)
    seen |= {row.id for row in first}
    for row in reversed(first):
        _show(row, as_json)
    while follow:
        try:
            async with asyncio.timeout(POLL_S):
                await woken.wait()
        except TimeoutError:
            pass  # look anyway: a message may have been missed
        woken.clear()
        rows = await _since(datetime.now(UTC) - LATE)
        for row in rows:
            if row.id not in seen and _wanted(row, patterns):
                _show(row, as_json)
        seen = {row.id for row in rows}


async def _latest(number: int, patterns: tuple[str, ...]) -> list[OutboxRow]:
    """The newest that are wanted, the newest first."""
    from muntin.events.models import OutboxRow

    found: list[OutboxRow] = []
    offset, page = 0, 500
    while len(found) < number:
        rows = await OutboxRow.all().order_by("-occurred_at", "-id").offset(offset).limit(page)
        found += [row for row in rows if _wanted(row, patterns)]
        offset += page
        if len(rows) < page:
            break
    return found[:number]


async def _since(moment: datetime) -> list[OutboxRow]:
    from muntin.events.models import OutboxRow

    return await OutboxRow.filter(occurred_at__gte=moment).order_by("occurred_at", "id")


def _wanted(row: OutboxRow, patterns: tuple[str, ...]) -> bool:
    from muntin.events.subscription import matches

    return matches(patterns, row.type)


def _show(row: OutboxRow, as_json: bool) -> None:
    when = row.occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if not as_json:
        typer.echo(
            _(
                "{when} {type} {resource}:{id} #{sequence}",
                when=when,
                type=f"{row.type:32}",
                resource=row.resource_type,
                id=row.resource_id,
                sequence=row.sequence,
            )
        )
        return
    typer.echo(
        json.dumps(
            {
                "id": str(row.id),
                "type": row.type,
                "version": row.version,
                "resource_type": row.resource_type,
                "resource_id": row.resource_id,
                "sequence": row.sequence,
                "occurred_at": when,
                "actor_id": str(row.actor_id) if row.actor_id else None,
                "payload": row.payload,
            }
        )
    )
