"""A thread swaps folders for links while operations run; and a weak copy proves that the fuzzer finds such holes."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import pytest

from muntin_node.errors import NodeError
from muntin_node.files import ConfinedRoot, Owner

ROUNDS_S = float(os.environ.get("MUNTIN_FUZZ_S", "1.2"))
pytestmark = pytest.mark.fuzz


class Files(Protocol):
    def open_read(self, path: str) -> BinaryIO: ...
    def open_write(self, path: str) -> BinaryIO: ...


class WeakRoot:
    """What the agent must not be: the check looks at a string, the use comes later."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open_read(self, path: str) -> BinaryIO:
        return self._checked(path).open("rb")

    def open_write(self, path: str) -> BinaryIO:
        return self._checked(path).open("r+b")

    def _checked(self, path: str) -> Path:
        target = self._path / path
        if not target.resolve().is_relative_to(self._path):
            raise NodeError("outside")
        return target


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "deeper").mkdir(parents=True)
    (folder / "file").write_bytes(b"SECRET")
    (folder / "deeper" / "file").write_bytes(b"SECRET")
    return folder


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@contextlib.contextmanager
def swapping(inside: Path, outside: Path) -> Iterator[None]:
    """`inside/folder` is a real folder one moment and a link to the outside the next."""
    stop = threading.Event()
    folder, real, link = inside / "folder", inside / ".real", inside / ".link"
    folder.mkdir()
    (folder / "file").write_bytes(b"mine")
    link.symlink_to(outside)

    def swap() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                folder.rename(real)
                link.rename(folder)
                folder.rename(link)
                real.rename(folder)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def attack(files: Files, outside: Path, *, for_s: float) -> tuple[bool, int]:
    """Read and write again and again; whether something got out, and how often it worked as it should."""
    deadline = time.monotonic() + for_s
    worked = 0
    while time.monotonic() < deadline:
        with contextlib.suppress(NodeError, OSError):
            with files.open_read("folder/file") as file:
                if file.read() == b"SECRET":
                    return True, worked
            with files.open_write("folder/file") as file:
                file.write(b"mine")
            worked += 1
        if (outside / "file").read_bytes() != b"SECRET":
            return True, worked
    return False, worked


def test_a_link_swapped_in_while_files_are_opened_leads_nowhere(inside: Path, outside: Path) -> None:
    with ConfinedRoot(inside) as root, swapping(inside, outside):
        escaped, worked = attack(root, outside, for_s=ROUNDS_S)

    assert not escaped
    assert worked > 0


def test_the_fuzzer_catches_a_weak_copy(inside: Path, outside: Path) -> None:
    with swapping(inside, outside):
        escaped, _ = attack(WeakRoot(inside), outside, for_s=20)

    assert escaped


OPERATIONS: dict[str, Callable[[ConfinedRoot], object]] = {
    "mkdir": lambda root: root.mkdir("folder/planted/x", parents=True),
    "rename_out": lambda root: root.rename("folder/file", "stolen", replace=True),
    "rename_in": lambda root: root.rename("stolen", "folder/file", replace=True),
    "remove_file": lambda root: root.remove("folder/file"),
    "remove_tree": lambda root: root.remove("folder"),
    "chmod": lambda root: root.chmod("folder/file", 0o777),
    "chown_tree": lambda root: root.chown_tree(Owner(os.getuid(), 54_321), "folder"),
    "chown_all": lambda root: root.chown_tree(Owner(os.getuid(), 54_321)),
    "listdir": lambda root: [item for item in root.listdir("folder") if item.name == "deeper"],
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_link_swapped_in_while_a_tree_is_changed_leads_nowhere(inside: Path, outside: Path, operation: str) -> None:
    def look() -> list[tuple[str, int, int]]:
        return [(str(path), path.lstat().st_mode, path.lstat().st_gid) for path in sorted(outside.rglob("*"))]

    before = look()
    leaked: list[object] = []
    with ConfinedRoot(inside) as root, swapping(inside, outside):
        deadline = time.monotonic() + ROUNDS_S / 2
        while time.monotonic() < deadline:
            with contextlib.suppress(NodeError):
                found = OPERATIONS[operation](root)
                leaked += found if isinstance(found, list) else []
            with contextlib.suppress(NodeError):
                root.mkdir("folder", parents=True)
                root.open_write("folder/file").close()

    assert look() == before
    assert (outside / "file").read_bytes() == b"SECRET"
    assert leaked == []


def test_a_link_swapped_in_below_a_tree_that_is_removed_leads_nowhere(inside: Path, outside: Path) -> None:
    tree = inside / "folder"
    deadline = time.monotonic() + ROUNDS_S
    removed = 0
    with ConfinedRoot(inside) as root:
        while time.monotonic() < deadline and (outside / "file").exists():
            tree.mkdir()
            for number in range(60):
                (tree / str(number)).touch()
            with contextlib.suppress(NodeError), swapping(tree, outside):
                root.remove("folder")
                removed += 1
            with contextlib.suppress(NodeError):
                root.remove("folder")

    assert (outside / "deeper" / "file").read_bytes() == (outside / "file").read_bytes() == b"SECRET"
    assert removed > 0


def test_a_link_swapped_in_below_a_tree_that_is_given_away_leads_nowhere(inside: Path, outside: Path) -> None:
    for number in range(200):
        (inside / str(number)).mkdir()
    rounds = 0
    with ConfinedRoot(inside) as root, swapping(inside, outside):
        deadline = time.monotonic() + ROUNDS_S
        while time.monotonic() < deadline:
            with contextlib.suppress(NodeError):
                root.chown_tree(Owner(os.getuid(), 54_321 + rounds % 2))
            rounds += 1

    groups = {path.lstat().st_gid for path in outside.rglob("*")}
    assert groups.isdisjoint({54_321, 54_322})
    assert rounds > 5
