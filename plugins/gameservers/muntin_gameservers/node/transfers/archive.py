"""A server's folder as a stream of tar.gz, with its checksum, in constant memory."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path

from muntin_gameservers.node.transfers.tree import Entry, entries, open_volume
from muntin_node.file_trees import GONE, closing
from muntin_node.files import MODE_BITS
from muntin_node.openat2 import openat2

READ_BYTES = 262_144
CHUNK_BYTES = 131_072  # of the compressed stream
FAST = 1
NAMED_FILES = 20
GZIP = 31  # zlib's word for a gzip header, a window of 32 KiB
NS = 1_000_000_000
OPEN_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW


class Archive:
    """Made of what is in the folder while it is read: regular files, folders and links; all else is left out.

    Attributes:
        read_bytes: Of files, so far.
        changed: Paths of files that shrank while they were read; they end with zeros. 20 at most.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digest = hashlib.sha256()
        self.read_bytes = 0
        self.changed: list[str] = []

    @property
    def checksum(self) -> str:
        """SHA-256 of all chunks given so far, in hex."""
        return self._digest.hexdigest()

    def chunks(self) -> Generator[bytes, None, None]:
        """The stream; each step blocks. Close the iterator to let the folder go.

        Raises:
            TransferFailed: The folder cannot be walked.
            OSError: A file cannot be read.
        """
        deflate = zlib.compressobj(FAST, zlib.DEFLATED, GZIP)
        held = bytearray()
        for block in self._blocks():
            held += deflate.compress(block)
            if len(held) >= CHUNK_BYTES:
                yield self._given(held)
        held += deflate.flush()
        yield self._given(held)

    def _given(self, held: bytearray) -> bytes:
        chunk = bytes(held)
        held.clear()
        self._digest.update(chunk)
        return chunk

    def _blocks(self) -> Iterator[bytes]:
        with closing(open_volume(self._folder)) as root:
            for entry in entries(root):
                yield from self._member(entry)
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _member(self, entry: Entry) -> Iterator[bytes]:
        kind = stat.S_IFMT(entry.facts.st_mode)
        if kind == stat.S_IFREG:
            yield from self._file(entry)
        elif kind == stat.S_IFDIR:
            yield _header(entry.path, entry.facts, tarfile.DIRTYPE)
        elif kind == stat.S_IFLNK:
            yield from _link(entry)

    def _file(self, entry: Entry) -> Iterator[bytes]:
        try:
            descriptor = openat2(entry.folder, entry.name, OPEN_FILE, follow=False)
        except OSError as error:
            if error.errno in GONE:
                return  # replaced since it was listed
            raise
        with closing(descriptor):
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return
            yield _header(entry.path, facts, tarfile.REGTYPE)
            yield from self._content(descriptor, facts.st_size, entry.path)

    def _content(self, descriptor: int, size_bytes: int, path: bytes) -> Iterator[bytes]:
        """Exactly as many bytes as the header says, whatever becomes of the file meanwhile."""
        left = size_bytes
        while left and (block := os.read(descriptor, min(READ_BYTES, left))):
            left -= len(block)
            self.read_bytes += len(block)
            yield block
        if left and len(self.changed) < NAMED_FILES:
            self.changed.append(os.fsdecode(path))
        while left:
            block = bytes(min(READ_BYTES, left))
            left -= len(block)
            yield block
        yield bytes(-size_bytes % tarfile.BLOCKSIZE)


def _link(entry: Entry) -> Iterator[bytes]:
    try:
        target = os.readlink(entry.name, dir_fd=entry.folder)
    except OSError:
        return  # replaced since it was listed
    yield _header(entry.path, entry.facts, tarfile.SYMTYPE, target)


def _header(path: bytes, facts: os.stat_result, kind: bytes, target: bytes = b"") -> bytes:
    """The header of one member; names that are no text are kept byte by byte."""
    member = tarfile.TarInfo(path.decode("utf-8", "surrogateescape"))
    member.type = kind
    member.size = facts.st_size if kind == tarfile.REGTYPE else 0
    member.mode = stat.S_IMODE(facts.st_mode) & MODE_BITS
    member.linkname = target.decode("utf-8", "surrogateescape")
    member.mtime, fraction = divmod(facts.st_mtime_ns, NS)
    if fraction and member.mtime >= 0:
        member.pax_headers = {"mtime": f"{member.mtime}.{fraction:09d}"}
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
