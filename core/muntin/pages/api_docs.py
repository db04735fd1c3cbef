"""The API's documentation, drawn from its OpenAPI document by the panel itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from muntin.access import Actor
from muntin.api.openapi_routes import native_description
from muntin.call import Call
from muntin.pages.answers import Page
from muntin.pages.dashboard import see_pages
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.table import RouteTables
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/docs/api", tags=("docs",))
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a body or an answer, or one parameter."""

    name: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One address with a verb."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    tag: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    statuses: tuple[tuple[str, str], ...]


_read: tuple[RouteTables, tuple[Operation, ...]] | None = None


@routes.get("", service=see_pages)
async def show_docs(actor: Actor, call: Call) -> Page:
    """Every operation, in groups; `search` looks into addresses and words."""
    await see_pages(actor)
    wanted = call.request.args.get("search", "").strip().casefold()
    groups: dict[str, list[Operation]] = {}
    for one in await operations(actor):
        if wanted in f"{one.method} {one.path} {one.summary} {one.text}".casefold():
            groups.setdefault(one.tag, []).append(one)
    values = {
        "groups": sorted(groups.items()),
        "search": wanted,
        "address": panel().configuration.public_url,
        "total": sum(len(listed) for listed in groups.values()),
    }
    return Page("core/docs/api.html", values, title=_("API"))


async def operations(actor: Actor) -> tuple[Operation, ...]:
    """What the document describes; read once per set of enabled plugins."""
    global _read
    tables = panel().tables
    if _read is None or _read[0] is not tables:
        _read = (tables, tuple(_operations(await native_description(actor))))
    return _read[1]


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    schemas = document["components"]["schemas"]
    for path, verbs in document["paths"].items():
        for method, told in verbs.items():
            yield Operation(
                id=f"{method}-{path}".replace("/", "-").replace("{", "").replace("}", ""),
                method=method.upper(),
                path=path,
                summary=told.get("summary", ""),
                text=told.get("description", ""),
                tag=(told.get("tags") or ["other"])[0],
                parameters=tuple(_parameter(one) for one in told.get("parameters", ())),
                body=_fields(_content(told.get("requestBody", {})), schemas),
                answer=_fields(_success(told["responses"]), schemas),
                statuses=tuple((status, one.get("description", "")) for status, one in told["responses"].items()),
            )


def _parameter(told: Mapping[str, Any]) -> Field:
    where = {"path": _("in the path"), "query": _("in the query"), "header": _("as a header")}[told["in"]]
    kind = kind_of(told.get("schema", {}), {})
    return Field(name=told["name"], kind=kind, required=told.get("required", False), text=where)


def _success(responses: Mapping[str, Any]) -> Mapping[str, Any]:
    for status, told in responses.items():
        if status.startswith("2"):
            return _content(told)
    return {}


def _content(told: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = told.get("content", {}).get("application/json", {}).get("schema", {})
    return schema if isinstance(schema, Mapping) else {}


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of an object, those of inner objects with dots; `[]` stands for the members of a list."""
    return tuple(_walk(schema, schemas, "", 0))


def _walk(schema: Mapping[str, Any], schemas: Mapping[str, Any], above: str, depth: int) -> Iterator[Field]:
    found = _resolved(schema, schemas)
    if depth > MAX_DEPTH:
        return
    if found.get("type") == "array":
        yield from _walk(found.get("items", {}), schemas, f"{above}[]", depth + 1)
    for name, inner in found.get("properties", {}).items():
        path = f"{above}.{name}" if above else name
        yield Field(
            name=path,
            kind=kind_of(inner, schemas),
            required=name in found.get("required", ()),
            text=inner.get("description", ""),
        )
        yield from _walk(inner, schemas, path, depth + 1)


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        found = schemas.get(schema["$ref"].rsplit("/", 1)[1], {})
        return found if isinstance(found, Mapping) else {}
    if "anyOf" in schema:
        useful = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return _resolved(useful[0], schemas) if useful else {}
    return schema


def kind_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """A schema's type in a word or two: `text`, `list of integer`, `date-time`, `one of …`."""
    if "anyOf" in schema:
        kinds = [kind_of(one, schemas) for one in schema["anyOf"] if one.get("type") != "null"]
        empty = any(one.get("type") == "null" for one in schema["anyOf"])
        return " | ".join(dict.fromkeys(kinds)) + (" | null" if empty else "")
    found = _resolved(schema, schemas)
    if "enum" in found:
        return " | ".join(str(one) for one in found["enum"])
    if found.get("type") == "array":
        return _("list of {kind}", kind=kind_of(found.get("items", {}), schemas))
    return str(found.get("format") or found.get("type") or _("any"))
