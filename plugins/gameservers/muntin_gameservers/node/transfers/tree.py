"""A server's folder as it is put into an archive: no step follows a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from muntin_gameservers.node.transfers.errors import TransferFailed
from muntin_node.file_trees import DIRECTORY, MAX_DEPTH, closing, open_folder

MAX_ENTRIES = 2_000_000
MAX_PATH_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the folder; `name` holds for the descriptor `folder` while the entry is looked at.

    A folder itself comes after all it holds, so that whoever writes it can set its times at once; `folder` is -1 then.
    """

    path: bytes
    folder: int
    name: bytes
    facts: os.stat_result


def entries(root: int) -> Iterator[Entry]:
    """Everything below a folder; what vanishes meanwhile is left out.

    Raises:
        TransferFailed: Nested too deeply, or a path is too long.
    """
    pending: list[tuple[bytes, os.stat_result | None]] = [(b"", None)]
    while pending:
        path, facts = pending.pop()
        if facts is not None:
            yield Entry(path, -1, b"", facts)
            continue
        if path.count(b"/") > MAX_DEPTH or len(path) > MAX_PATH_BYTES:
            raise TransferFailed("The folders are nested too deeply to be moved.")
        descriptor = open_folder(root, path or b".")
        if descriptor is None:
            continue
        with closing(descriptor):
            for entry in _found(descriptor, path):
                if stat.S_ISDIR(entry.facts.st_mode):
                    pending += [(entry.path, entry.facts), (entry.path, None)]
                else:
                    yield entry


def _found(folder: int, path: bytes) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for item in found:
            try:
                facts = os.stat(item.name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            name = os.fsencode(item.name)
            yield Entry(path + b"/" + name if path else name, folder, name, facts)


def open_volume(path: Path) -> int:
    """A descriptor of a server's folder, for reading.

    Raises:
        TransferFailed: It cannot be opened.
    """
    try:
        return os.open(path, DIRECTORY)
    except OSError as error:
        raise TransferFailed(f"The server's folder cannot be read: {error.strerror}.") from error


def measured_bytes(path: Path, is_stopped: Callable[[], bool]) -> int:
    """What all regular files hold, hard links counted each time, as they will be in the archive; blocks.

    Raises:
        TransferFailed: Too many files, or the work was stopped.
    """
    total = 0
    with closing(open_volume(path)) as root:
        for number, entry in enumerate(entries(root)):
            if number >= MAX_ENTRIES:
                raise TransferFailed(f"There are more than {MAX_ENTRIES} files.")
            if is_stopped():
                raise TransferFailed("The transfer was cancelled.")
            total += entry.facts.st_size if stat.S_ISREG(entry.facts.st_mode) else 0
    return total
