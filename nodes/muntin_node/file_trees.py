"""Whole trees by directory file descriptors: remove, change owner, measure. No step follows a link."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from muntin_node.errors import Conflict, FileRefused
from muntin_node.openat2 import openat2

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
HELD_DESCRIPTORS = 64  # deeper folders are moved up before they are removed
REMOVE_PASSES = 10_000
MAX_DEPTH = 4_096
HOP_BYTES = 2_048  # a path longer than PATH_MAX is opened in hops
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # what a name swapped by a running server looks like


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """The descriptor, closed at the end of the block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def remove_entry(parent_fd: int, name: str) -> None:
    """Remove a file, a link itself, or a folder with all in it, however deep.

    Raises:
        Conflict: Somebody keeps putting files into the folder.
        OSError: As `unlink` and `rmdir`.
    """
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent_fd, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent_fd)
        return
    with closing(os.open(name, DIRECTORY, dir_fd=parent_fd)) as top:
        for _ in range(REMOVE_PASSES):
            if not _empty_folder(top, top, depth=0):
                break
        else:
            raise Conflict("The folder is being written to.")
    try:
        os.rmdir(name, dir_fd=parent_fd)
    except OSError as error:
        raise Conflict("The folder is being written to.") if error.errno == errno.ENOTEMPTY else error from None


def _empty_folder(folder: int, top: int, depth: int) -> bool:
    """Remove what is in a folder; True if something was moved up into `top` and is still to be removed."""
    moved = False
    with os.scandir(folder) as entries:
        names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in names:
        try:
            if not is_folder:
                os.unlink(name, dir_fd=folder)
            elif depth >= HELD_DESCRIPTORS:
                os.rename(name, f".removed-{secrets.token_hex(8)}", src_dir_fd=folder, dst_dir_fd=top)
                moved = True
            else:
                with closing(os.open(name, DIRECTORY, dir_fd=folder)) as inner:
                    moved |= _empty_folder(inner, top, depth + 1)
                os.rmdir(name, dir_fd=folder)
        except OSError as error:
            if error.errno not in (*GONE, errno.EISDIR, errno.ENOTEMPTY):
                raise
            moved = moved or error.errno != errno.ENOENT  # swapped or refilled meanwhile: look again
    return moved


def walk(root_fd: int, path: bytes) -> Iterator[tuple[int, str, os.stat_result]]:
    """Every entry below a folder as (descriptor of its folder, name, lstat); what vanishes meanwhile is left out.

    Raises:
        FileRefused: Nested deeper than 4,096 folders.
    """
    pending: list[tuple[bytes, int]] = [(path, 0)]
    while pending:
        folder, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise FileRefused("The folders are nested too deeply.")
        descriptor = open_folder(root_fd, folder)
        if descriptor is None:
            continue
        with closing(descriptor), os.scandir(descriptor) as entries:
            for entry in entries:
                found = _lstat(descriptor, entry.name)
                if found is None:
                    continue
                if stat.S_ISDIR(found.st_mode):
                    pending.append((folder + b"/" + os.fsencode(entry.name), depth + 1))
                yield descriptor, entry.name, found


def _lstat(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def open_folder(root_fd: int, path: bytes) -> int | None:
    """A folder below another one, however long its path, for reading; None where none is, or a link is on the way."""
    descriptor = os.dup(root_fd)
    try:
        for hop in _hops(path):
            inner = openat2(descriptor, hop, os.O_RDONLY | os.O_DIRECTORY, follow=False)
            os.close(descriptor)
            descriptor = inner
    except OSError as error:
        os.close(descriptor)
        if error.errno in GONE:
            return None
        raise
    return descriptor


def _hops(path: bytes) -> Iterator[bytes]:
    while len(path) > HOP_BYTES:
        cut = path.rfind(b"/", 0, HOP_BYTES)
        yield path[:cut]
        path = path[cut + 1 :]
    yield path or b"."
