"""Archives without agents: what is packed while the folder changes, and what is unpacked."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muntin_gameservers.node.transfers.archive import Archive
from muntin_gameservers.node.transfers.errors import ArchiveRefused, TransferFailed
from muntin_gameservers.node.transfers.extraction import Bounds, extract
from muntin_gameservers.node.transfers.reading import ArchiveStream
from muntin_gameservers.node.transfers.tree import entries
from muntin_node.file_trees import closing

FREE = Bounds(limit_bytes=None, reserve_bytes=0)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder to pack and one to unpack into."""
    packed, unpacked = tmp_path / "packed", tmp_path / "unpacked"
    packed.mkdir()
    unpacked.mkdir()
    return packed, unpacked


def _unpack(chunks: Iterator[bytes], folder: Path, bounds: Bounds = FREE) -> str:
    stream = ArchiveStream(lambda: next(chunks, b""))
    extract(stream, folder, bounds)
    return stream.checksum


def _packed_while(folder: Path, change: Any) -> tuple[Archive, bytes]:
    """The archive of a folder whose content is changed after the first chunk was made."""
    archive = Archive(folder)
    chunks = archive.chunks()
    first = next(chunks)
    change()
    return archive, first + b"".join(chunks)


def test_checksum_is_that_of_the_bytes_sent(folders: tuple[Path, Path], some_bytes: bytes) -> None:
    source, target = folders
    (source / "file").write_bytes(some_bytes)
    archive = Archive(source)

    content = b"".join(archive.chunks())
    checksum = _unpack(iter([content]), target)

    assert archive.checksum == checksum == hashlib.sha256(content).hexdigest()
    assert archive.read_bytes == len(some_bytes)
    assert (target / "file").read_bytes() == some_bytes


def test_file_that_shrinks_meanwhile_ends_with_zeros(folders: tuple[Path, Path], some_bytes: bytes) -> None:
    source, target = folders
    (source / "shrinking").write_bytes(some_bytes * 10)

    archive, content = _packed_while(source, lambda: os.truncate(source / "shrinking", 1_000_000))
    _unpack(iter([content]), target)

    unpacked = (target / "shrinking").read_bytes()
    assert archive.changed == ["shrinking"]
    assert unpacked == (some_bytes * 10)[:1_000_000] + bytes(len(some_bytes) * 10 - 1_000_000)


def test_file_that_grows_meanwhile_is_cut(folders: tuple[Path, Path], some_bytes: bytes) -> None:
    source, target = folders
    (source / "growing").write_bytes(some_bytes * 10)

    def grow() -> None:
        with (source / "growing").open("ab") as file:
            file.write(some_bytes)

    archive, content = _packed_while(source, grow)
    _unpack(iter([content]), target)

    assert archive.changed == []
    assert (target / "growing").read_bytes() == some_bytes * 10


def test_folder_that_becomes_a_link_meanwhile_is_not_followed(folders: tuple[Path, Path], some_bytes: bytes) -> None:
    source, target = folders
    outside = source.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (source / "file").write_bytes(some_bytes * 10)
    folders_seen_before_or_after = [source / str(number) for number in range(40)]
    for folder in folders_seen_before_or_after:
        folder.mkdir()

    def swap() -> None:
        for folder in folders_seen_before_or_after:
            folder.rmdir()
            folder.symlink_to(outside)

    _, content = _packed_while(source, swap)
    _unpack(iter([content]), target)

    assert b"secret" not in gzip.decompress(content)
    assert len(list(target.iterdir())) == 41


def test_folders_nested_beyond_the_longest_path_are_moved(folders: tuple[Path, Path]) -> None:
    source, target = folders
    inner = os.open(source, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("n" * 100, dir_fd=inner)
        inner, outer = os.open("n" * 100, os.O_RDONLY, dir_fd=inner), inner
        os.close(outer)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=inner))
    os.close(inner)

    _unpack(Archive(source).chunks(), target)

    with closing(os.open(target, os.O_RDONLY)) as root:
        depths = [entry.path.count(b"/") for entry in entries(root) if entry.name == b"file"]
    assert depths == [60]


def test_folders_nested_without_end_are_refused(folders: tuple[Path, Path]) -> None:
    source, _ = folders
    inner = os.open(source, os.O_RDONLY)
    for _ in range(170):
        os.mkdir("n" * 200, dir_fd=inner)
        inner, outer = os.open("n" * 200, os.O_RDONLY, dir_fd=inner), inner
        os.close(outer)
    os.close(inner)

    with pytest.raises(TransferFailed, match="nested too deeply"):
        list(Archive(source).chunks())


def test_entries_are_counted(folders: tuple[Path, Path]) -> None:
    source, target = folders
    for number in range(4):
        (source / str(number)).mkdir()

    with pytest.raises(ArchiveRefused, match="more than 3 entries"):
        _unpack(Archive(source).chunks(), target, Bounds(limit_bytes=None, reserve_bytes=0, entries=3))


def test_folders_are_counted_also_those_that_only_names_mention(folders: tuple[Path, Path], packed: Any) -> None:
    content = packed(("1/2/3/4/file", {}, b""))

    with pytest.raises(ArchiveRefused, match="too many folders"):
        _unpack(iter([content]), folders[1], Bounds(limit_bytes=None, reserve_bytes=0, entries=3))


def test_gzip_made_of_several_is_one_archive(folders: tuple[Path, Path], packed: Any) -> None:
    tar = gzip.decompress(packed(("file", {}, b"text")))

    _unpack(iter([gzip.compress(tar[:700]), gzip.compress(tar[700:])]), folders[1])

    assert (folders[1] / "file").read_text() == "text"


def test_bytes_may_come_one_by_one(folders: tuple[Path, Path], packed: Any) -> None:
    content = packed(("file", {}, b"text"))

    _unpack(iter([bytes([byte]) for byte in content]), folders[1])

    assert (folders[1] / "file").read_text() == "text"
