"""The form with a wheel in it, read within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from quart import Request

from muntin.call import Call
from muntin.errors import InvalidInput, UnsupportedMediaType
from muntin.pages.multipart import MIMETYPE, parse_multipart
from muntin.translation import _

LARGEST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """What the form held."""

    file_name: str
    data: bytes
    fields: Mapping[str, str]


async def read_upload(call: Call) -> Upload:
    """The form a request carries, with the part `file`.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, BadRequest, InvalidInput: It is not such a form.
    """
    request = call.request
    assert isinstance(request, Request)  # noqa: S101 - websockets have no body
    if request.mimetype != MIMETYPE:
        raise UnsupportedMediaType(_("Send the wheel as a form with a file."))
    return await asyncio.to_thread(_parse, call.body, request.mimetype_params)


def _parse(raw: bytes, parameters: dict[str, str]) -> Upload:
    form, files = parse_multipart(raw, parameters)
    file = files.get("file")
    if file is None or not file.filename:
        raise InvalidInput.of("file", _("Choose a wheel."))
    return Upload(file.filename, file.read(), {name: form[name] for name in form})
