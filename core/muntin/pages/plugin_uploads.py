"""The form with a wheel in it, read within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from quart import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from muntin.call import Call
from muntin.errors import BadRequest, InvalidInput, PayloadTooLarge, UnsupportedMediaType
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
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(_("Send the wheel as a form with a file."))
    return await asyncio.to_thread(_parse, call.body, request.mimetype_params)


def _parse(raw: bytes, parameters: dict[str, str]) -> Upload:
    parser = FormDataParser(stream_factory=_in_memory, max_form_memory_size=64 * 1024, max_form_parts=20, silent=False)
    try:
        _stream, form, files = parser.parse(BytesIO(raw), "multipart/form-data", len(raw), parameters)
    except RequestEntityTooLarge as error:
        raise PayloadTooLarge(limit_bytes=LARGEST_BYTES) from error
    except ValueError as error:
        raise BadRequest(_("The form is broken: {reason}.", reason=str(error)[:200])) from error
    file = files.get("file")
    if file is None or not file.filename:
        raise InvalidInput.of("file", _("Choose a wheel."))
    return Upload(file.filename, file.read(), {name: form[name] for name in form})


def _in_memory(
    total_content_length: int | None, content_type: str | None, filename: str | None, content_length: int | None = None
) -> BytesIO:
    """Where a part is kept; the whole body is bounded and in memory already."""
    return BytesIO()
