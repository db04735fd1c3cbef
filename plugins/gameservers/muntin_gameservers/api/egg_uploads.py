"""An egg in a request: inside a JSON body, as a file of a form, or as the whole body."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from quart import Request

from muntin.call import Call
from muntin.dialects import validate
from muntin.dispatch import read_body
from muntin.errors import BadRequest, InvalidInput, UnsupportedMediaType
from muntin.pages.multipart import MIMETYPE, PROOF_FIELD, parse_multipart
from muntin.translation import _
from muntin_gameservers.eggs.parsing import MAX_BYTES
from muntin_gameservers.nests.schemas import ImportIn, ImportQuery, ImportTarget

LARGEST_BODY_BYTES = MAX_BYTES + 64 * 1024  # the file, and what a form or an object has around it
FILES = frozenset({"", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain",
                   "application/octet-stream"})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EggUpload:
    """An egg file, and where it goes."""

    data: bytes
    nest_id: UUID
    overwrite_egg_id: UUID | None
    file_name: str = ""


async def read_upload(call: Call, query: ImportQuery) -> EggUpload:
    """The egg a request carries.

    Raises:
        PayloadTooLarge: More than an egg file may hold.
        UnsupportedMediaType: Neither JSON, YAML nor a form.
        BadRequest: Broken JSON, or a broken form.
        InvalidInput: The nest or the file is missing.
    """
    request = call.request
    assert isinstance(request, Request)  # noqa: S101 - websockets have no body
    raw = await read_body(request, LARGEST_BODY_BYTES)
    return await asyncio.to_thread(_upload, request.mimetype, request.mimetype_params, raw, query)


def _upload(mimetype: str, parameters: dict[str, str], raw: bytes, query: ImportQuery) -> EggUpload:
    if mimetype == MIMETYPE:
        return _of_form(raw, parameters, query)
    if mimetype == "application/json":
        return _of_json(raw, query)
    if mimetype in FILES:
        return _of_file(raw, query.model_dump(exclude_none=True))
    raise UnsupportedMediaType


def _of_json(raw: bytes, query: ImportQuery) -> EggUpload:
    """An object with the egg in it, or the egg itself, which is known by its `meta`."""
    try:
        body: Any = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest(_("The body is not valid JSON: {reason}.", reason=str(error))) from error
    if not isinstance(body, dict):
        raise BadRequest(_("The body has to be a JSON object."))
    if "meta" in body:
        return _of_file(raw, query.model_dump(exclude_none=True))
    wanted: ImportIn = validate(ImportIn, query.model_dump(mode="json", exclude_none=True) | body)
    data = orjson.dumps(wanted.egg)
    return EggUpload(data=data, nest_id=wanted.nest_id, overwrite_egg_id=wanted.overwrite_egg_id)


def _of_form(raw: bytes, parameters: dict[str, str], query: ImportQuery) -> EggUpload:
    form, files = parse_multipart(raw, parameters)
    values = query.model_dump(exclude_none=True) | {name: form[name] for name in form if name != PROOF_FIELD}
    file = files.get("file")
    if file is None:
        raise InvalidInput.of("file", _("Add the egg file as the part file of the form."))
    return _of_file(file.read(), values, file.filename or "")


def _of_file(data: bytes, values: dict[str, Any], file_name: str = "") -> EggUpload:
    target: ImportTarget = validate(ImportTarget, values)
    return EggUpload(data=data, nest_id=target.nest_id, overwrite_egg_id=target.overwrite_egg_id, file_name=file_name)
