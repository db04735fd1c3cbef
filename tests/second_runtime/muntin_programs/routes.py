"""API and page of programs."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.call import Call
from muntin.pages.answers import Page as HtmlPage
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import Page, PageQuery
from muntin_programs import service
from muntin_programs.service import PowerIn, Program, ProgramIn

api = Routes(dialect="native", prefix="/api/v1/programs", tags=("programs",))
pages = Routes(dialect="pages", prefix="/programs")


@api.get("", query=PageQuery, returns=Page[Program], service=service.list_programs)
async def list_programs(actor: Actor, query: PageQuery) -> Page[Program]:
    """List programs."""
    return await service.list_programs(actor, query)


@api.post("", body=ProgramIn, returns=Program, status=201, service=service.create_program)
async def create_program(actor: Actor, wanted: ProgramIn) -> Program:
    """Create a program."""
    return await service.create_program(actor, wanted)


@api.get("/<uuid:program_id>", returns=Program, service=service.load_program)
async def load_program(actor: Actor, program_id: UUID) -> Program:
    """One program."""
    return await service.load_program(actor, program_id)


@api.post("/<uuid:program_id>/power", body=PowerIn, returns=Program, service=service.set_power)
async def set_power(actor: Actor, program_id: UUID, wanted: PowerIn) -> Program:
    """Start or stop a program."""
    return await service.set_power(actor, program_id, action=wanted.action)


@api.delete("/<uuid:program_id>", service=service.delete_program)
async def delete_program(actor: Actor, program_id: UUID) -> None:
    """Delete a program."""
    await service.delete_program(actor, program_id)


@api.websocket("/<uuid:program_id>/console", service=service.watch)
async def console(actor: Actor, program_id: UUID, call: Call) -> None:
    """Its output, live."""
    assert call.socket is not None  # a websocket route has one
    await service.watch(actor, program_id, socket=call.socket)


@pages.get("", query=PageQuery, service=service.list_programs)
async def show_programs(actor: Actor, call: Call, query: PageQuery) -> HtmlPage:
    """One's programs as a page."""
    page = await service.list_programs(actor, query)
    return HtmlPage("programs/list.html", {"rows": page.items, "view": view(call, page)}, title="Programs")
