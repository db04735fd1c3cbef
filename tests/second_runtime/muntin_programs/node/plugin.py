"""What programs add to the agent."""

from __future__ import annotations

from uuid import UUID

from quart import Blueprint, Response, request, websocket

from muntin_node.access import state_of
from muntin_node.context import NodeContext
from muntin_node.contributions import NodeHalf, RunningHalf
from muntin_node.fanout import FanoutClosed
from muntin_node.hookspecs import hookimpl
from muntin_programs.contract import Line, Order, Program
from muntin_programs.node.programs import Programs


@hookimpl
def muntin_node_half() -> NodeHalf:
    """Programs on this node."""
    return NodeHalf(name="programs", version="0.1.0", start=start, routes=routes)


async def start(context: NodeContext) -> RunningHalf:
    """Nothing runs yet: programs end with the agent."""
    return RunningHalf(state=Programs(context))


def routes() -> tuple[Blueprint, ...]:
    """What the panel half calls."""
    blueprint = Blueprint("programs", __name__, url_prefix="/api/programs/<uuid:program_id>")

    @blueprint.put("")
    async def keep(program_id: UUID) -> Response:
        body = await request.get_data(as_text=False)
        state_of(Programs).keep(str(program_id), Program.model_validate_json(body))
        return Response(b"", status=204)

    @blueprint.get("")
    async def show(program_id: UUID) -> dict[str, str]:
        return {"state": state_of(Programs).state(str(program_id))}

    @blueprint.post("/power")
    async def power(program_id: UUID) -> Response:
        order = Order.model_validate_json(await request.get_data(as_text=False))
        programs = state_of(Programs)
        if order.action == "start":
            await programs.start(str(program_id))
        else:
            await programs.stop(str(program_id))
        return Response(b"", status=204)

    @blueprint.post("/input")
    async def write(program_id: UUID) -> Response:
        line = Line.model_validate_json(await request.get_data(as_text=False))
        state_of(Programs).write(str(program_id), line.text)
        return Response(b"", status=204)

    @blueprint.delete("")
    async def remove(program_id: UUID) -> Response:
        await state_of(Programs).remove(str(program_id))
        return Response(b"", status=204)

    @blueprint.websocket("/console")
    async def console(program_id: UUID) -> None:
        viewer = state_of(Programs).console(str(program_id)).subscribe(history=100)
        await websocket.accept()
        try:
            while True:
                for line in (await viewer.next_batch()).lines:
                    await websocket.send(line)
        except FanoutClosed:
            return
        finally:
            viewer.close()

    return (blueprint,)
