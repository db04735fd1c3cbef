"""The multipart form of a transfer, taken apart while it comes: the archive, then its checksums."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from muntin_gameservers.node.transfers.errors import TransferFailed

PIECE_BYTES = 65_536
BUFFER_BYTES = 262_144
MAX_PARTS = 64
MAX_BOUNDARY_CHARS = 200
CHECKSUM_CHARS = 64
CHECKSUMS = ("checksum", "checksum_archive")


class FormRefused(TransferFailed):
    """The request is no multipart form of a transfer."""


class TransferForm:
    """Reads one request. First `archive_chunk` until it is empty, then `checksums`.

    Args:
        body: The request's body in parts.
        content_type: Its header.
    """

    def __init__(self, body: AsyncIterator[bytes], content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get("boundary", "")
        if kind != "multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY_CHARS or not boundary.isascii():
            raise FormRefused
        self._decoder = MultipartDecoder(boundary.encode(), BUFFER_BYTES, max_parts=MAX_PARTS)
        self._events = self._decoded(body)
        self._begun = False
        self._ended = False

    async def archive_chunk(self) -> bytes:
        """The next bytes of the archive; empty at its end.

        Raises:
            FormRefused: Something else comes first, or it is no form at all.
        """
        if not self._begun:
            await self._find_archive()
        while not self._ended:
            event = await self._next()
            if not isinstance(event, Data):
                raise FormRefused
            self._ended = not event.more_data
            if event.data:
                return event.data
        return b""

    async def checksums(self) -> list[str]:
        """What was said about the archive after it, at least one; what else comes is passed over.

        Raises:
            FormRefused: There is no checksum, or the form does not end as it should.
        """
        found: list[str] = []
        while not isinstance(event := await self._next(), Epilogue):
            if isinstance(event, File) and event.name == "archive":
                raise FormRefused("There are two archives in the request.")
            wanted = isinstance(event, Field) and event.name in CHECKSUMS
            if isinstance(event, Field | File):
                text = await self._content(CHECKSUM_CHARS if wanted else None)
                found += [text.decode("ascii", "replace").strip().lower()] if wanted else []
        if not found:
            raise FormRefused("The checksum of the archive is missing.")
        return found

    async def _find_archive(self) -> None:
        while True:
            event = await self._next()
            if isinstance(event, File) and event.name == "archive":
                self._begun = True
                return
            if isinstance(event, Field) and event.name in CHECKSUMS:
                raise FormRefused("The checksum comes before the archive.")
            if isinstance(event, Epilogue):
                raise FormRefused("There is no archive in the request.")

    async def _content(self, limit_bytes: int | None) -> bytes:
        """The data of a part; of one without a limit nothing is kept."""
        content = b""
        while isinstance(event := await self._next(), Data):
            if limit_bytes is not None:
                content += event.data
                if len(content) > limit_bytes:
                    raise FormRefused("The checksum is too long.")
            if not event.more_data:
                return content
        raise FormRefused

    async def _next(self) -> Event:
        try:
            return await anext(self._events)
        except StopAsyncIteration:
            raise FormRefused("The request ends early.") from None
        except (ValueError, AttributeError, RequestEntityTooLarge) as error:  # all that the decoder complains with
            raise FormRefused from error

    async def _decoded(self, body: AsyncIterator[bytes]) -> AsyncIterator[Event]:
        async for part in body:
            for at in range(0, len(part), PIECE_BYTES):
                for event in self._fed(part[at : at + PIECE_BYTES]):
                    yield event
        for event in self._fed(None):
            yield event

    def _fed(self, data: bytes | None) -> Iterator[Event]:
        self._decoder.receive_data(data)
        while not isinstance(event := self._decoder.next_event(), NeedData):
            yield event
            if isinstance(event, Epilogue):
                return
