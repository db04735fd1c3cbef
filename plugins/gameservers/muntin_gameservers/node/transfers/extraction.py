"""Writing an archive into a server's folder, through descriptors that nothing leads out of."""

from __future__ import annotations

import errno
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from muntin_gameservers.node.transfers.errors import ArchiveRefused, TransferFailed
from muntin_gameservers.node.transfers.reading import ArchiveStream
from muntin_gameservers.node.transfers.tree import MAX_ENTRIES, MAX_PATH_BYTES
from muntin_node.file_trees import DIRECTORY, MAX_DEPTH, closing
from muntin_node.files import MAX_NAME_BYTES, MODE_BITS
from muntin_node.openat2 import openat2

FOLDER = os.O_PATH | os.O_DIRECTORY
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
MAX_TARGET_BYTES = 4_095
MAX_GLOBAL_HEADERS = 32
LOOK_BYTES = 64 * 1024 * 1024  # the host's free space is looked at this often
MIB = 1_048_576
NS = 1_000_000_000
LATEST_S = 2**33  # file systems keep no later time
NO_FOLDER = (errno.ELOOP, errno.ENOTDIR)
SPACE = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What an archive may take. `limit_bytes` None is no limit; `reserve_bytes` stay free on the host."""

    limit_bytes: int | None
    reserve_bytes: int
    entries: int = MAX_ENTRIES

    def check(self, size_bytes: int, free_bytes: int) -> None:
        """Refuse what does not fit.

        Args:
            size_bytes: Of all files.
            free_bytes: On the host, before what is still to be written.

        Raises:
            TransferFailed: Names what is too small.
        """
        if self.limit_bytes is not None and size_bytes > self.limit_bytes:
            raise TransferFailed(
                f"The server's files take more than its disk limit of {self.limit_bytes // MIB} MiB allows."
            )
        if free_bytes < self.reserve_bytes:
            raise TransferFailed("There is not enough free space on the node that the server was to be moved to.")


def extract(stream: ArchiveStream, folder: Path, bounds: Bounds) -> None:
    """Write the archive into an empty folder; blocks. What was written when it fails is the caller's to remove.

    Raises:
        ArchiveRefused: It is damaged, or holds something that is not written here.
        TransferFailed: It does not fit.
    """
    with closing(os.open(folder, DIRECTORY)) as root:
        writer = _Writer(root, stream, bounds)
        with _translated():
            for member in _members(stream, bounds):
                writer.write(member)
    if not stream.ended_properly:
        raise ArchiveRefused("The archive is damaged.")
    stream.finish()


def _members(stream: ArchiveStream, bounds: Bounds) -> Iterator[tarfile.TarInfo]:
    stream.expect_header()
    archive = tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape")  # type: ignore[arg-type] # it reads, seeks and tells
    count = 0
    while (member := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined] # the stubs leave it out; it would keep them all
        count += 1
        if count > bounds.entries:
            raise ArchiveRefused(f"There are more than {bounds.entries} entries in the archive.")
        if len(archive.pax_headers) > MAX_GLOBAL_HEADERS:
            raise ArchiveRefused("The archive has too many headers.")
        yield member
        stream.expect_header()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, RecursionError, ValueError, OverflowError, KeyError, IndexError) as error:
        raise ArchiveRefused("The archive is damaged.") from error  # all that `tarfile` says to strange headers
    except OSError as error:
        if error.errno in SPACE:
            raise TransferFailed("There is no space left on the disk.") from error
        raise ArchiveRefused(f"The archive cannot be written here: {error.strerror}.") from error


class _Writer:
    """Writes members one after the other; keeps the folder of the last one open."""

    def __init__(self, root: int, stream: ArchiveStream, bounds: Bounds) -> None:
        self._root = root
        self._stream = stream
        self._bounds = bounds
        self._written_bytes = 0
        self._unlooked_bytes = 0
        self._made_folders = 0

    def write(self, member: tarfile.TarInfo) -> None:
        """One member."""
        names = _names(member.name)
        if member.size < 0 or member.issparse():
            raise ArchiveRefused("The archive holds a file with a strange size.")
        self._fits(member.size if member.isreg() else 0)
        if member.isdir():
            self._write_folder(names, member)
        elif not names:
            raise ArchiveRefused("The archive holds a file without a name.")
        elif member.isreg():
            self._write_file(names, member)
        elif member.issym():
            self._write_link(names, member)
        else:
            raise ArchiveRefused("The archive holds a hard link, a device or a pipe.")

    def _write_folder(self, names: list[bytes], member: tarfile.TarInfo) -> None:
        if not names:
            return  # the server's own folder is as this node makes it
        with closing(self._folder(names)) as folder:
            os.chmod(f"/proc/self/fd/{folder}", member.mode & MODE_BITS)  # noqa: PTH101 - fchmod refuses O_PATH
            os.utime(f"/proc/self/fd/{folder}", ns=_times(member))

    def _write_file(self, names: list[bytes], member: tarfile.TarInfo) -> None:
        with closing(self._folder(names[:-1])) as folder:
            descriptor = openat2(folder, names[-1], NEW_FILE, mode=0o600, follow=False)
        with closing(descriptor):
            for piece in self._stream.content(member.size):
                self._look(len(piece))
                _write_all(descriptor, piece)
            os.fchmod(descriptor, member.mode & MODE_BITS)
            os.utime(descriptor, ns=_times(member))

    def _write_link(self, names: list[bytes], member: tarfile.TarInfo) -> None:
        target = member.linkname.encode("utf-8", "surrogateescape")
        if not 0 < len(target) <= MAX_TARGET_BYTES or b"\0" in target:
            raise ArchiveRefused("The archive holds a link that leads nowhere.")
        with closing(self._folder(names[:-1])) as folder:
            os.symlink(target, names[-1], dir_fd=folder)
            os.utime(names[-1], ns=_times(member), dir_fd=folder, follow_symlinks=False)

    def _folder(self, names: list[bytes]) -> int:
        """A folder, made with those above it where it is missing. A link on the way is refused."""
        descriptor = os.dup(self._root)
        try:
            for name in names:
                inner = self._open_or_make(descriptor, name)
                os.close(descriptor)
                descriptor = inner
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _open_or_make(self, parent: int, name: bytes) -> int:
        try:
            return openat2(parent, name, FOLDER, follow=False)
        except FileNotFoundError:
            self._made_folders += 1
            if self._made_folders > self._bounds.entries:
                raise ArchiveRefused("There are too many folders in the archive.") from None
            os.mkdir(name, 0o755, dir_fd=parent)
            return openat2(parent, name, FOLDER, follow=False)
        except OSError as error:
            if error.errno in NO_FOLDER:
                raise ArchiveRefused("The archive leads through a link or a file.") from error
            raise

    def _fits(self, size_bytes: int) -> None:
        self._written_bytes += size_bytes
        facts = os.fstatvfs(self._root)
        free_bytes = facts.f_bavail * facts.f_frsize
        self._bounds.check(self._written_bytes, free_bytes)

    def _look(self, size_bytes: int) -> None:
        self._unlooked_bytes += size_bytes
        if self._unlooked_bytes >= LOOK_BYTES:
            self._unlooked_bytes = 0
            self._fits(0)


def _names(path: str) -> list[bytes]:
    raw = path.encode("utf-8", "surrogateescape")
    names = [name for name in raw.split(b"/") if name not in (b"", b".")]
    if raw.startswith(b"/") or b".." in names or b"\0" in raw:
        raise ArchiveRefused("The archive holds a name that leads out of the server's folder.")
    if len(raw) > MAX_PATH_BYTES or len(names) > MAX_DEPTH or any(len(name) > MAX_NAME_BYTES for name in names):
        raise ArchiveRefused("The archive holds a name that is too long.")
    return names


def _times(member: tarfile.TarInfo) -> tuple[int, int]:
    """Access and change time in nanoseconds: as exact as the archive says."""
    try:
        seconds = Decimal(member.pax_headers.get("mtime", member.mtime))
        changed = int(seconds * NS) if 0 <= seconds < LATEST_S else 0
    except (InvalidOperation, ValueError):
        changed = 0
    return changed, changed


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
