"""Files of a customer, confined to one folder by the kernel.

Every path is resolved with `openat2(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)`: no check of a string that somebody
could make untrue afterwards by swapping in a link. What remains of a path, its last name, is used relative to the
opened folder by calls that do not follow links. All methods block: call them with `threads.in_file_thread`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, NamedTuple, Self

from muntin_node.errors import Conflict, FileMissing, FileRefused, Forbidden, PathRefused
from muntin_node.file_trees import closing, remove_entry, walk
from muntin_node.openat2 import openat2, rename_new

MAX_PATH_BYTES = 4_096
MAX_NAME_BYTES = 255
MODE_BITS = 0o777  # never setuid, setgid, sticky
FileKind = Literal["file", "directory", "symlink", "other"]


class Owner(NamedTuple):
    """Who files shall belong to."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStat:
    """One entry, not following a link unless asked to. `mode` holds the permission bits only."""

    name: str
    kind: FileKind
    size_bytes: int
    mode: int
    modified_at: datetime
    created_at: datetime  # change time: Linux gives no other one everywhere


class ConfinedRoot:
    """A folder that nothing leads out of. Holds a descriptor: use it in `with`, or call `close`.

    Paths are relative to the folder; a leading `/` means the folder itself, `..` may not climb above it, links may
    point within it. Raised by every method:

        PathRefused: The path leads outside, or holds NUL.
        FileMissing: No such entry.
        FileRefused: Wrong kind of entry, name too long, disk full, not empty.
        Conflict: The target exists already.
        Forbidden: The file system denies it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _translated():
            self._fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptor back; files opened through it stay open. Closing twice is fine."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def open_read(self, path: str) -> BinaryIO:
        """A regular file, for reading."""
        with _translated():
            return os.fdopen(self._open_regular(path, os.O_RDONLY), "rb")

    def open_write(
        self, path: str, *, create: bool = True, truncate: bool = True, mode: int = 0o644, owner: Owner | None = None
    ) -> BinaryIO:
        """A regular file, for writing (unbuffered, so that a full disk shows in `write`).

        Args:
            create: Make it if it is missing; its folder must exist.
            mode: Permission bits of a file that is made.
            owner: Who it belongs to afterwards.
        """
        with _translated():
            flags = os.O_RDWR | (os.O_CREAT if create else 0)
            descriptor = self._open_regular(path, flags, mode=mode & MODE_BITS if create else 0)
            try:
                if owner is not None:
                    os.fchown(descriptor, owner.uid, owner.gid)
                if truncate:
                    os.ftruncate(descriptor, 0)
            except BaseException:
                os.close(descriptor)
                raise
            return os.fdopen(descriptor, "r+b", buffering=0)

    def stat(self, path: str, *, follow: bool = False) -> FileStat:
        """What lies there; a link itself unless `follow`."""
        with _translated():
            flags = os.O_PATH | (0 if follow else os.O_NOFOLLOW)
            with closing(self._open(path, flags)) as descriptor:
                return _file_stat(_last_name(path), os.fstat(descriptor))

    def listdir(self, path: str = "", *, limit: int = 100_000) -> list[FileStat]:
        """The entries of a folder sorted by name, at most `limit`; links as links."""
        with _translated():
            with closing(self._open(path, os.O_RDONLY | os.O_DIRECTORY)) as folder, os.scandir(folder) as entries:
                found: list[FileStat] = []
                for entry in entries:
                    if len(found) >= limit:
                        break
                    try:
                        found.append(_file_stat(entry.name, entry.stat(follow_symlinks=False)))
                    except FileNotFoundError:
                        continue  # removed while we looked
            return sorted(found, key=lambda item: item.name)

    def mkdir(self, path: str, *, parents: bool = False, mode: int = 0o755, owner: Owner | None = None) -> None:
        """Make a folder; with `parents` also those above it, and one that exists is fine."""
        names = _names(path)
        if not names:
            raise Conflict("The folder exists already.")
        with _translated():
            for depth in range(1 if parents else len(names), len(names) + 1):
                self._make_folder("/".join(names[:depth]), mode & MODE_BITS, owner, may_exist=parents)

    def rename(self, source: str, target: str, *, replace: bool = False) -> None:
        """Move an entry (a link itself, not what it points to) to a new name in an existing folder."""
        with _translated(), self._parent(source) as (source_fd, old), self._parent(target) as (target_fd, new):
            if replace:
                os.rename(old, new, src_dir_fd=source_fd, dst_dir_fd=target_fd)
            else:
                rename_new(source_fd, os.fsencode(old), target_fd, os.fsencode(new))

    def remove(self, path: str) -> None:
        """Remove a file, a link itself, or a folder with all in it."""
        with _translated(), self._parent(path) as (folder, name):
            remove_entry(folder, name)

    def chmod(self, path: str, mode: int) -> None:
        """Set the permission bits; other bits of `mode` are dropped."""
        with _translated(), closing(self._open(path, os.O_PATH)) as descriptor:
            os.chmod(f"/proc/self/fd/{descriptor}", mode & MODE_BITS)  # noqa: PTH101 - fchmod refuses O_PATH

    def chown_tree(self, owner: Owner, path: str = "") -> None:
        """Give an entry and all below it to somebody; links are given themselves."""
        with _translated(), closing(self._open(path, os.O_PATH)) as descriptor:
            os.chown(f"/proc/self/fd/{descriptor}", owner.uid, owner.gid)
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                return
            for folder, name, found in walk(descriptor, b"."):
                if (found.st_uid, found.st_gid) != owner:
                    with _vanished_is_fine():
                        os.chown(name, owner.uid, owner.gid, dir_fd=folder, follow_symlinks=False)

    def size_bytes(self, path: str = "") -> int:
        """The sizes of all regular files below a folder, hard links counted once."""
        total, linked = 0, set[tuple[int, int]]()
        with _translated(), closing(self._open(path, os.O_PATH | os.O_DIRECTORY)) as descriptor:
            for _folder, _name, found in walk(descriptor, b"."):
                if not stat.S_ISREG(found.st_mode) or (found.st_dev, found.st_ino) in linked:
                    continue
                if found.st_nlink > 1:
                    linked.add((found.st_dev, found.st_ino))
                total += found.st_size
        return total

    def _open(self, path: str, flags: int, *, mode: int = 0) -> int:
        return openat2(self._fd, _relative(path), flags, mode=mode)

    def _open_regular(self, path: str, flags: int, *, mode: int = 0) -> int:
        descriptor = self._open(path, flags | os.O_NONBLOCK | os.O_NOCTTY, mode=mode)  # never wait on a pipe
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            os.close(descriptor)
            raise FileRefused("This is a directory." if stat.S_ISDIR(kind) else "This is not a regular file.")
        return descriptor

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        names = _names(path)
        if not names or names[-1] == "..":
            raise PathRefused
        with closing(self._open("/".join(names[:-1]), os.O_PATH | os.O_DIRECTORY)) as folder:
            yield folder, names[-1]

    def _make_folder(self, path: str, mode: int, owner: Owner | None, *, may_exist: bool) -> None:
        with self._parent(path) as (folder, name):
            try:
                os.mkdir(name, mode, dir_fd=folder)
            except FileExistsError:
                if not may_exist:
                    raise
                os.close(self._open(path, os.O_PATH | os.O_DIRECTORY))  # a file in the way is refused here
                return
            if owner is not None:
                os.chown(name, owner.uid, owner.gid, dir_fd=folder, follow_symlinks=False)


def _names(path: str) -> list[str]:
    if "\0" in path:
        raise PathRefused
    names = [name for name in path.split("/") if name not in ("", ".")]
    encoded = [os.fsencode(name) for name in names] if _encodes(path) else []
    if len(encoded) != len(names):
        raise PathRefused
    if any(len(name) > MAX_NAME_BYTES for name in encoded) or sum(map(len, encoded)) + len(names) > MAX_PATH_BYTES:
        raise FileRefused("The name is too long.")
    return names


def _encodes(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def _relative(path: str) -> bytes:
    return os.fsencode("/".join(_names(path)) or ".")


def _last_name(path: str) -> str:
    names = _names(path)
    return names[-1] if names else "/"


def _file_stat(name: str, found: os.stat_result) -> FileStat:
    return FileStat(
        name=name,
        kind=_kind(found.st_mode),
        size_bytes=found.st_size,
        mode=stat.S_IMODE(found.st_mode) & MODE_BITS,
        modified_at=datetime.fromtimestamp(found.st_mtime, UTC),
        created_at=datetime.fromtimestamp(found.st_ctime, UTC),
    )


def _kind(mode: int) -> FileKind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "symlink" if stat.S_ISLNK(mode) else "other"


@contextmanager
def _vanished_is_fine() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        return


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refusal(error) from error


def _refusal(error: OSError) -> Exception:
    """The family's error for an errno; one that is nobody's fault but ours is left as it is."""
    match error.errno:
        case errno.EXDEV | errno.ELOOP:
            return PathRefused()
        case errno.ENOENT | errno.ENOTDIR:
            return FileMissing()
        case errno.EEXIST | errno.EBUSY | errno.EAGAIN:
            return Conflict("The target exists already or is in use.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Forbidden("The file system does not allow this.")
        case errno.EISDIR:
            return FileRefused("This is a directory.")
        case errno.ENOSPC | errno.EDQUOT:
            return FileRefused("There is no space left on the disk.")
        case errno.ENAMETOOLONG:
            return FileRefused("The name is too long.")
        case errno.ENOTEMPTY | errno.EINVAL | errno.ENXIO | errno.EFBIG | errno.ENODEV:
            return FileRefused()
        case _:
            return error
