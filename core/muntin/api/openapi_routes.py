"""The description of the native API, made once per set of enabled plugins."""

from __future__ import annotations

from typing import Any

from quart import Response

from muntin.access import Actor, guarded
from muntin.api.json import dumps
from muntin.openapi import describe
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.table import RouteTables
from muntin.translation import _

routes = Routes(dialect="native", prefix="/api/v1", tags=("system",))
_made: tuple[RouteTables, bytes] | None = None


@guarded(None)
async def native_description(actor: Actor) -> dict[str, Any]:
    """OpenAPI 3.1 of every native route of the enabled plugins."""
    table = panel().tables.tables["native"]
    return describe(table.routes, title=_("muntin native API"), url=panel().configuration.public_url)


@routes.get("/openapi.json", returns=dict[str, Any], service=native_description)
async def openapi(actor: Actor) -> Response:
    """This document, without the usual envelope."""
    global _made
    tables = panel().tables
    if _made is None or _made[0] is not tables:
        _made = (tables, dumps(await native_description(actor)))
    return Response(_made[1], content_type="application/json")
