"""The bytes of an archive as `tarfile` reads them: unpacked on the way, only forward, never much at once."""

from __future__ import annotations

import hashlib
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator

from muntin_gameservers.node.transfers.errors import ArchiveRefused

PIECE_BYTES = 262_144
HEADER_BYTES = 131_072  # all headers of one member together; long names are 32 KiB at most
PADDING_BYTES = 2 * tarfile.BLOCKSIZE
TAIL_BYTES = 1_048_576  # after the end of the tar, within the gzip
GZIP = 31
ENDLESS_NUMBER = re.compile(rb"\d{256}")  # takes some versions of `tarfile` time that grows with its square


class ArchiveStream:
    """A file for `tarfile.TarFile` in its mode `r`.

    Args:
        pull: Gives the next bytes of the archive, empty at its end; blocks.
    """

    def __init__(self, pull: Callable[[], bytes]) -> None:
        self._pull = pull
        self._digest = hashlib.sha256()
        self._unpacker = zlib.decompressobj(GZIP)
        self._buffer = bytearray()
        self._position = 0
        self._allowed_bytes = 0
        self._last_block = b""

    @property
    def checksum(self) -> str:
        """SHA-256 of the packed bytes read so far, in hex."""
        return self._digest.hexdigest()

    @property
    def ended_properly(self) -> bool:
        """Whether what was read last is the block of zeros that ends a tar."""
        return self._last_block == bytes(tarfile.BLOCKSIZE)

    def expect_header(self) -> None:
        """Allow the headers of one more member."""
        self._allowed_bytes = HEADER_BYTES

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._position

    def seek(self, position: int) -> int:
        """Go forward over the padding of a member.

        Raises:
            ArchiveRefused: Anywhere else.
        """
        if not 0 <= position - self._position <= PADDING_BYTES:
            raise ArchiveRefused("The headers of the archive contradict each other.")
        self._take(position - self._position)
        return position

    def read(self, size_bytes: int) -> bytes:
        """Headers; fewer bytes at the end of the stream.

        Raises:
            ArchiveRefused: The headers of this member are too large.
        """
        if not 0 <= size_bytes <= self._allowed_bytes:
            raise ArchiveRefused("A header of the archive is too large.")
        self._allowed_bytes -= size_bytes
        data = self._take(size_bytes)
        if ENDLESS_NUMBER.search(data):
            raise ArchiveRefused("A header of the archive is malformed.")
        self._last_block = data[-tarfile.BLOCKSIZE :]
        return data

    def content(self, size_bytes: int) -> Iterator[bytes]:
        """The content of a file, in pieces.

        Raises:
            ArchiveRefused: The archive ends before it does.
        """
        left = size_bytes
        while left:
            piece = self._take(min(left, PIECE_BYTES))
            if not piece:
                raise ArchiveRefused("The archive ends early.")
            left -= len(piece)
            yield piece

    def finish(self) -> None:
        """Read what follows the end of the tar, so that the checksum covers all.

        Raises:
            ArchiveRefused: It is more than padding.
        """
        left = TAIL_BYTES
        while piece := self._take(PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise ArchiveRefused("Something follows the end of the archive.")

    def _take(self, size_bytes: int) -> bytes:
        while len(self._buffer) < size_bytes and (piece := self._unpacked()):
            self._buffer += piece
        data = bytes(self._buffer[:size_bytes])
        del self._buffer[:size_bytes]
        self._position += len(data)
        return data

    def _unpacked(self) -> bytes:
        """The next bytes, unpacked; empty at the end."""
        while True:
            if self._unpacker.eof:
                rest = self._unpacker.unused_data or self._pulled()
                if not rest:
                    return b""
                self._unpacker = zlib.decompressobj(GZIP)  # a gzip may be made of several
            else:
                rest = self._unpacker.unconsumed_tail or self._pulled()
            try:
                piece = self._unpacker.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise ArchiveRefused("The archive is no gzip, or it is damaged.") from error
            if piece:
                return piece
            if not rest and not self._unpacker.eof:
                raise ArchiveRefused("The archive ends early.")

    def _pulled(self) -> bytes:
        data = self._pull()
        self._digest.update(data)
        return data
