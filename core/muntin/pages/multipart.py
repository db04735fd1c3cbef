"""Forms with files, as browsers send them: `multipart/form-data`, read in memory since the body is bounded."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from muntin.errors import BadRequest, PayloadTooLarge
from muntin.translation import _

MIMETYPE = "multipart/form-data"
PROOF_FIELD = "csrf_token"
"""The field that every form of the panel carries besides its own."""
MAX_PARTS = 1000
MAX_FIELDS_BYTES = 1024 * 1024


def parse_multipart(
    raw: bytes, parameters: Mapping[str, str]
) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    """The fields and the files of a form.

    Args:
        raw: The whole body.
        parameters: Of its `Content-Type` (`request.mimetype_params`); the boundary is among them.

    Raises:
        BadRequest: It is no such form.
        PayloadTooLarge: Too many parts, or more than a MiB of fields that are no files.
    """
    parser = FormDataParser(
        stream_factory=_in_memory, max_form_memory_size=MAX_FIELDS_BYTES, max_form_parts=MAX_PARTS, silent=False
    )
    try:
        _stream, fields, files = parser.parse(BytesIO(raw), MIMETYPE, len(raw), dict(parameters))
    except RequestEntityTooLarge as error:
        raise PayloadTooLarge(limit_bytes=MAX_FIELDS_BYTES) from error
    except ValueError as error:
        raise BadRequest(_("The form cannot be read.")) from error
    return fields, files


def _in_memory(
    total_content_length: int | None, content_type: str | None, filename: str | None, content_length: int | None = None
) -> BytesIO:
    """Where a part is kept."""
    return BytesIO()
