"""The rules of programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from muntin import audit
from muntin.access import Actor, guarded
from muntin.bus import Json
from muntin.connections import Socket
from muntin.database import transaction
from muntin.errors import InvalidInput
from muntin.events import Event
from muntin.jobs import JobContext, Task, enqueue
from muntin.nodes.client import call_node, node_socket
from muntin.nodes.models import NodeRow
from muntin.schemas import Input, Name, Page, PageQuery
from muntin.translation import _
from muntin_programs.models import ProgramRow


class ProgramCreated(Event):
    """A program was ordered."""

    type = "program.created"
    subject: ClassVar[str] = "program_id"

    program_id: UUID
    name: str


class ProgramIn(Input):
    """A new program."""

    name: Name
    argv: Annotated[list[str], Field(min_length=1, max_length=64)]
    node_id: UUID


class PowerIn(Input):
    """What is to happen."""

    action: Literal["start", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program and its state."""

    id: UUID
    name: str
    argv: tuple[str, ...]
    state: str


@guarded("programs.use")
async def list_programs(actor: Actor, query: PageQuery) -> Page[Program]:
    """The actor's programs."""
    rows = ProgramRow.visible_to(actor)
    total = await rows.count()
    order = query.order(("name", "state"), default="name")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([_shown(row) for row in found], total, query)


@guarded("programs.use", on=ProgramRow)
async def load_program(actor: Actor, program: ProgramRow) -> Program:
    """One program."""
    return _shown(program)


@guarded("programs.use")
async def create_program(actor: Actor, wanted: ProgramIn) -> Program:
    """Store a program; a job brings it to its node."""
    if not await NodeRow.exists(id=wanted.node_id):
        raise InvalidInput.of("node_id", _("There is no such node."))
    async with transaction() as events:
        row = await ProgramRow.create(
            name=wanted.name, argv=wanted.argv, node_id=wanted.node_id, owner_id=actor.account_id
        )
        events.add(ProgramCreated(program_id=row.id, name=row.name, by=actor.account_id))
        await audit.record(events, actor, "program.created", ("program", row.id), {"name": row.name})
        await enqueue(events, "programs.place", program_id=str(row.id))
    return _shown(row)


@guarded("programs.use", on=ProgramRow)
async def set_power(actor: Actor, program: ProgramRow, *, action: str) -> Program:
    """Start or stop it."""
    node = await NodeRow.get(id=program.node_id)
    await call_node(node, "POST", f"/api/programs/{program.id}/power", json={"action": action})
    async with transaction() as events:
        await audit.record(events, actor, f"program.{action}", ("program", program.id), {})
    return _shown(program)


@guarded("programs.use", on=ProgramRow)
async def delete_program(actor: Actor, program: ProgramRow) -> None:
    """Remove it from its node and from the panel."""
    await call_node(await NodeRow.get(id=program.node_id), "DELETE", f"/api/programs/{program.id}")
    async with transaction() as events:
        await ProgramRow.filter(id=program.id).delete()
        await audit.record(events, actor, "program.deleted", ("program", program.id), {"name": program.name})


@guarded("programs.use", on=ProgramRow)
async def watch(actor: Actor, program: ProgramRow, *, socket: Socket) -> None:
    """Show its output until either side ends it."""
    async with node_socket(await NodeRow.get(id=program.node_id), f"/api/programs/{program.id}/console") as line:
        await socket.accept()
        async for text in line:
            await socket.send(text)


async def place(context: JobContext, *, program_id: str) -> None:
    """Tell the node what is to run there; doing it twice changes nothing more."""
    row = await ProgramRow.get_or_none(id=UUID(program_id))
    if row is not None:
        node = await NodeRow.get(id=row.node_id)
        await call_node(node, "PUT", f"/api/programs/{row.id}", json={"argv": row.argv})


async def take_state(topic: str, data: Json) -> None:
    """Keep what a node reported, of its own programs only."""
    if isinstance(data, dict):
        node_id = topic.split(".")[1]
        await ProgramRow.filter(id=UUID(str(data["id"])), node_id=UUID(node_id)).update(state=str(data["state"]))


def _shown(row: ProgramRow) -> Program:
    return Program(id=row.id, name=row.name, argv=tuple(row.argv), state=row.state)


JOBS = (Task(name="programs.place", handler=place, max_attempts=6, backoff_s=1),)
