"""The OpenAPI 3.1 description of one dialect, made from its route table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, get_origin

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from muntin import __version__
from muntin.access import Guard
from muntin.errors import (
    BadRequest,
    Forbidden,
    InvalidInput,
    MuntinError,
    NotAuthenticated,
    NotFound,
    TooManyRequests,
)
from muntin.routing import WEBSOCKET, Route
from muntin.schemas import Page

REF = "#/components/schemas/{model}"
TYPES = {"uuid": {"type": "string", "format": "uuid"}, "int": {"type": "integer"}}
_VALUE = re.compile(r"<(?:([a-z]+)(?:\([^)]*\))?:)?([a-z_]+)>")


def describe(routes: Iterable[Route], *, title: str, url: str) -> dict[str, Any]:
    """A whole OpenAPI document; websockets are left out, since OpenAPI cannot tell of them."""
    listed = [route for route in routes if route.method != WEBSOCKET]
    answers = {route: _answer(route) for route in listed if route.returns is not None}
    bodies = [(route.body, "validation") for route in listed if route.body]
    _keys, definitions = models_json_schema(bodies, ref_template=REF)  # type: ignore[arg-type]  # literals are lost in the list
    schemas: dict[str, Any] = dict(definitions.get("$defs", {}))
    inputs = [(route, "serialization", adapter) for route, adapter in answers.items()]
    by_route, more = TypeAdapter.json_schemas(inputs, ref_template=REF)  # type: ignore[arg-type]  # routes are the keys
    schemas.update(more.get("$defs", {}))
    schemas["Error"] = ERROR
    paths: dict[str, Any] = {}
    for route in listed:
        schema = by_route.get((route, "serialization")) if route in answers else None
        paths.setdefault(open_path(route.path), {})[route.method.lower()] = _operation(route, schema)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {"type": "object"},
            },
        }
    },
}
PAGE_META = {
    "type": "object",
    "required": ["current_page", "per_page", "total", "total_pages"],
    "properties": {name: {"type": "integer"} for name in ("current_page", "per_page", "total", "total_pages")},
}


def open_path(path: str) -> str:
    """`/servers/<uuid:id>` as `/servers/{id}`."""
    return _VALUE.sub(r"{\2}", path)


def _answer(route: Route) -> TypeAdapter[Any]:
    return TypeAdapter(_item(route.returns))


def _item(returns: Any) -> Any:
    """What a page is a page of; anything else is itself."""
    return list[returns.__args__[0]] if get_origin(returns) is Page else returns


def _operation(route: Route, answer: dict[str, Any] | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.endpoint,
        "summary": route.summary,
        "tags": list(route.tags),
        "parameters": [*_path_values(route), *_query_values(route)],
        "responses": _responses(route, answer),
        "security": [{"bearer": []}] if route.permission else [],
    }
    if route.permission:
        operation["description"] = f"Needs the permission `{route.permission}`."
    if route.body:
        content = {"application/json": {"schema": {"$ref": REF.format(model=route.body.__name__)}}}
        operation["requestBody"] = {"required": _needs_body(route), "content": content}
    if route.idempotent:
        header = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
        operation["parameters"].append(header)
    return operation


def _needs_body(route: Route) -> bool:
    return bool(route.body and any(field.is_required() for field in route.body.model_fields.values()))


def _path_values(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": TYPES.get(kind, {"type": "string"})}
        for kind, name in _VALUE.findall(route.path)
    ]


def _query_values(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(ref_template=REF)
    return [{"name": name, "in": "query", "schema": value} for name, value in schema.get("properties", {}).items()]


def _responses(route: Route, answer: dict[str, Any] | None) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Success"}
    if answer is not None:
        success["content"] = {"application/json": {"schema": _enveloped(route, answer)}}
    if route.status in (201, 202) and hasattr(route.returns, "location"):  # see NativeDialect.render
        success["headers"] = {"Location": {"description": "Where to ask for it.", "schema": {"type": "string"}}}
    responses: dict[str, Any] = {str(route.status): success}
    for error in failures(route):
        shown = responses.setdefault(
            str(error.status),
            {
                "description": "",
                "content": {"application/json": {"schema": {"$ref": REF.format(model="Error")}}},
            },
        )
        shown["description"] = ", ".join(filter(None, (shown["description"], f"`{error.code}`")))
    return responses


def _enveloped(route: Route, answer: dict[str, Any]) -> dict[str, Any]:
    if get_origin(route.returns) is Page:
        return {
            "type": "object",
            "required": ["data", "meta"],
            "properties": {"data": answer, "meta": PAGE_META},
        }
    return {"type": "object", "required": ["data"], "properties": {"data": answer}}


def failures(route: Route) -> list[type[MuntinError]]:
    """The expected failures of a route: its own, and those that follow from its shape."""
    guard: Guard | None = route.guard
    found: list[type[MuntinError]] = [TooManyRequests]
    if guard and guard.permission:
        found += [NotAuthenticated, Forbidden]
    if (guard and guard.on) or "<" in route.path:
        found.append(NotFound)
    if route.body:
        found += [BadRequest, InvalidInput]
    elif route.query:
        found.append(BadRequest)
    return list(dict.fromkeys([*found, *route.errors, MuntinError]))
