"""`/api/v1/admin/nests` and `/api/v1/admin/eggs`."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from quart import Response

from muntin.access import Actor
from muntin.api.conditions import refuse_if_changed
from muntin.call import Call
from muntin.errors import InvalidInput, PayloadTooLarge, UnsupportedMediaType
from muntin.routing import Routes
from muntin.schemas import Page, PageQuery
from muntin_gameservers.api.egg_uploads import read_upload
from muntin_gameservers.errors import EggInUse, EggInvalid, NestInUse
from muntin_gameservers.nests import eggs, importing, nests
from muntin_gameservers.nests.eggs import EggNameTaken
from muntin_gameservers.nests.nests import NestNameTaken
from muntin_gameservers.nests.schemas import (
    Egg,
    EggChanges,
    EggIn,
    ExportQuery,
    ImportQuery,
    Nest,
    NestChanges,
    NestIn,
)

routes = Routes(dialect="native", prefix="/api/v1", tags=("eggs",))
NEST = "/admin/nests/<uuid:nest_id>"
EGG = "/admin/eggs/<uuid:egg_id>"


@routes.get("/admin/nests", query=PageQuery, returns=Page[Nest], service=nests.list_nests)
async def list_nests(actor: Actor, query: PageQuery) -> Page[Nest]:
    """List nests."""
    return await nests.list_nests(actor, query)


@routes.post(
    "/admin/nests",
    body=NestIn,
    returns=Nest,
    status=201,
    idempotent=True,
    service=nests.create_nest,
    errors=(NestNameTaken,),
)
async def create_nest(actor: Actor, wanted: NestIn) -> Nest:
    """Create a nest."""
    return await nests.create_nest(actor, wanted)


@routes.get(NEST, returns=Nest, service=nests.load_nest)
async def load_nest(actor: Actor, nest_id: UUID) -> Nest:
    """One nest."""
    return await nests.load_nest(actor, nest_id)


@routes.put(NEST, body=NestChanges, returns=Nest, service=nests.update_nest, errors=(NestNameTaken,))
async def update_nest(actor: Actor, nest_id: UUID, changes: NestChanges, call: Call) -> Nest:
    """Rename or describe a nest."""
    await refuse_if_changed(call, partial(nests.load_nest, actor, nest_id))
    return await nests.update_nest(actor, nest_id, changes)


@routes.delete(NEST, service=nests.delete_nest, errors=(NestInUse,))
async def delete_nest(actor: Actor, nest_id: UUID) -> None:
    """Delete an empty nest."""
    await nests.delete_nest(actor, nest_id)


@routes.get(f"{NEST}/eggs", query=PageQuery, returns=Page[Egg], service=eggs.list_eggs)
async def list_eggs(actor: Actor, nest_id: UUID, query: PageQuery) -> Page[Egg]:
    """Eggs of a nest."""
    return await eggs.list_eggs(actor, nest_id, query)


@routes.post(
    f"{NEST}/eggs",
    body=EggIn,
    returns=Egg,
    status=201,
    idempotent=True,
    service=eggs.create_egg,
    errors=(EggNameTaken,),
)
async def create_egg(actor: Actor, nest_id: UUID, wanted: EggIn) -> Egg:
    """Create an egg."""
    return await eggs.create_egg(actor, nest_id, wanted)


@routes.post(
    "/admin/eggs/import",
    query=ImportQuery,
    returns=Egg,
    status=201,
    service=importing.import_egg,
    errors=(InvalidInput, EggInvalid, EggNameTaken, PayloadTooLarge, UnsupportedMediaType),
)
async def import_egg(actor: Actor, query: ImportQuery, call: Call) -> Egg:
    """Import an egg file: in a JSON body (`nest_id`, `egg`), as part `file` of a form, or as the whole body."""
    upload = await read_upload(call, query)
    return await importing.import_egg(
        actor,
        data=upload.data,
        file_name=upload.file_name,
        nest_id=upload.nest_id,
        overwrite_egg_id=upload.overwrite_egg_id,
    )


@routes.get(EGG, returns=Egg, service=eggs.load_egg)
async def load_egg(actor: Actor, egg_id: UUID) -> Egg:
    """One egg."""
    return await eggs.load_egg(actor, egg_id)


@routes.put(EGG, body=EggChanges, returns=Egg, service=eggs.update_egg, errors=(EggNameTaken,))
async def update_egg(actor: Actor, egg_id: UUID, changes: EggChanges, call: Call) -> Egg:
    """Change an egg; what its file held beyond these fields stays."""
    await refuse_if_changed(call, partial(eggs.load_egg, actor, egg_id))
    return await eggs.update_egg(actor, egg_id, changes)


@routes.delete(EGG, service=eggs.delete_egg, errors=(EggInUse,))
async def delete_egg(actor: Actor, egg_id: UUID) -> None:
    """Delete an egg that no server runs."""
    await eggs.delete_egg(actor, egg_id)


@routes.get(f"{EGG}/export", query=ExportQuery, service=importing.export_egg)
async def export_egg(actor: Actor, egg_id: UUID, query: ExportQuery) -> Response:
    """Download the egg as a bare file, PTDL_v2 in JSON unless asked otherwise."""
    version = None if query.format == "own" else query.format
    file = await importing.export_egg(actor, egg_id, version=version, syntax=query.syntax)
    disposition = f'attachment; filename="{file.name}"'
    return Response(file.data, content_type=file.content_type, headers={"Content-Disposition": disposition})
