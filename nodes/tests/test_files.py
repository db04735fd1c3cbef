from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muntin_node.errors import Conflict, FileMissing, FileRefused, NodeError, PathRefused
from muntin_node.files import ConfinedRoot, FileStat, Owner

Operation = Callable[[ConfinedRoot, str], object]
OPERATIONS: dict[str, Operation] = {
    "open_read": lambda root, path: root.open_read(path).close(),
    "open_write": lambda root, path: root.open_write(path).close(),
    "stat_followed": lambda root, path: root.stat(path, follow=True),
    "listdir": lambda root, path: root.listdir(path),
    "mkdir_below": lambda root, path: root.mkdir(f"{path}/made"),
    "mkdir_parents_below": lambda root, path: root.mkdir(f"{path}/made/deep", parents=True),
    "rename_from_below": lambda root, path: root.rename(f"{path}/secret", "stolen"),
    "rename_to_below": lambda root, path: root.rename("mine", f"{path}/planted"),
    "remove_below": lambda root, path: root.remove(f"{path}/secret"),
    "chmod": lambda root, path: root.chmod(path, 0o777),
    "chown_tree": lambda root, path: root.chown_tree(Owner(65_534, 65_534), path),
    "size_bytes": lambda root, path: root.size_bytes(path),
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("secret")
    return folder


@pytest.fixture
def inside(tmp_path: Path, outside: Path) -> Path:
    folder = tmp_path / "inside"
    (folder / "sub").mkdir(parents=True)
    (folder / "mine").write_text("mine")
    (folder / "to_folder").symlink_to(outside)
    (folder / "to_file").symlink_to(outside / "secret")
    (folder / "climbing").symlink_to("../outside")
    (folder / "sub" / "up").symlink_to("../../outside/secret")
    (folder / "within").symlink_to("sub")
    (folder / "loop").symlink_to("loop")
    (folder / "magic").symlink_to("/proc/self/root/etc")
    return folder


@pytest.fixture
def root(inside: Path) -> Iterator[ConfinedRoot]:
    with ConfinedRoot(inside) as root:
        yield root


def snapshot(folder: Path) -> list[tuple[str, int, int, str]]:
    return [
        (str(path), path.lstat().st_mode, path.lstat().st_uid, path.read_text() if path.is_file() else "")
        for path in sorted([folder, *folder.rglob("*")])
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "path",
    [
        "../outside", "..", "sub/../../outside", "to_folder", "to_file", "climbing", "sub/up", "magic", "loop",
        "within/../../outside", "/../outside", "../outside/secret", "a\0b", "\ud800",
    ],
)  # fmt: skip
def test_no_operation_leaves_the_folder(root: ConfinedRoot, outside: Path, operation: str, path: str) -> None:
    before = snapshot(outside)

    with pytest.raises(NodeError):
        OPERATIONS[operation](root, path)

    assert snapshot(outside) == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_absolute_path_means_the_folder_itself(root: ConfinedRoot, outside: Path, operation: str) -> None:
    before = snapshot(outside)

    if operation == "mkdir_parents_below":
        OPERATIONS[operation](root, str(outside))
        assert (root.path / str(outside).lstrip("/") / "made" / "deep").is_dir()
    else:
        with pytest.raises((FileMissing, FileRefused)):
            OPERATIONS[operation](root, str(outside))

    with root.open_read("/mine") as file:
        assert file.read() == b"mine"
    assert snapshot(outside) == before


def test_the_twin_each_operation_succeeds_on_what_is_inside(root: ConfinedRoot, inside: Path) -> None:
    with root.open_write("within/new.txt", owner=Owner(os.getuid(), os.getgid())) as file:
        file.write(b"hello")
    root.mkdir("a/b/c", parents=True)
    root.rename("mine", "a/b/moved")
    root.chmod("a/b/moved", 0o4640)
    root.remove("to_folder")

    assert (inside / "sub" / "new.txt").read_bytes() == b"hello"
    assert stat.S_IMODE((inside / "a/b/moved").stat().st_mode) == 0o640
    assert [item.name for item in root.listdir("a/b")] == ["c", "moved"]
    assert root.size_bytes() == 9
    assert not os.path.lexists(inside / "to_folder")


def test_odd_names_are_just_names(root: ConfinedRoot, inside: Path) -> None:
    names = ["-rf", "--checkpoint=1", "%2e%2e", "..\\..\\etc", "a b", "$(id)", "ü", "...", ".hidden", "a\nb"]

    for name in names:
        root.open_write(name).close()

    assert set(names) <= {item.name for item in inside.iterdir()}
    assert {item.name for item in root.listdir()} >= set(names)


@pytest.mark.parametrize("path", ["a" * 256, "é" * 128, "/".join(["d"] * 2_100)])
def test_names_that_are_too_long_are_refused_as_bad_input(root: ConfinedRoot, path: str) -> None:
    for operation in OPERATIONS.values():
        with pytest.raises(FileRefused) as refused:
            operation(root, path)
        assert refused.value.status == 400


def test_what_is_no_regular_file_is_never_opened_nor_waited_for(root: ConfinedRoot, inside: Path) -> None:
    os.mkfifo(inside / "pipe")
    if os.getuid() == 0:
        os.mknod(inside / "device", stat.S_IFCHR | 0o666, os.makedev(1, 5))

    for name in ("pipe", "device", "sub", ""):
        for open_it in (root.open_read, root.open_write):
            with pytest.raises((FileRefused, FileMissing)):
                open_it(name)


def test_stat_tells_a_link_from_what_it_points_to(root: ConfinedRoot, inside: Path) -> None:
    found = root.stat("within")
    followed = root.stat("within", follow=True)
    os.utime(inside / "mine", (1_000_000_000, 1_000_000_000))
    mine = root.stat("/mine")

    assert (found.kind, followed.kind, root.stat("to_file").kind) == ("symlink", "directory", "symlink")
    assert mine == FileStat(
        name="mine", kind="file", size_bytes=4, mode=0o644, modified_at=mine.modified_at, created_at=mine.created_at
    )
    assert mine.modified_at.isoformat() == "2001-09-09T01:46:40+00:00"


def test_writing_keeps_or_cuts_what_was_there(root: ConfinedRoot, inside: Path) -> None:
    with root.open_write("mine", truncate=False) as file:
        file.write(b"Y")
    kept = (inside / "mine").read_text()
    root.open_write("mine").close()

    assert (kept, (inside / "mine").read_text()) == ("Yine", "")
    with pytest.raises(FileMissing):
        root.open_write("none", create=False)


def test_a_target_that_exists_is_not_replaced_unless_wanted(root: ConfinedRoot, inside: Path) -> None:
    (inside / "other").write_text("other")

    with pytest.raises(Conflict):
        root.rename("mine", "other")
    root.rename("mine", "other", replace=True)

    assert (inside / "other").read_text() == "mine"
    with pytest.raises(Conflict):
        root.mkdir("sub")
    root.mkdir("sub", parents=True)


def test_the_folder_itself_is_not_removed_or_renamed(root: ConfinedRoot, inside: Path) -> None:
    for path in ("", "/", ".", "sub/.."):
        with pytest.raises(PathRefused):
            root.remove(path)
        with pytest.raises(PathRefused):
            root.rename(path, "x")

    assert (inside / "mine").exists()


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def make_deep(folder: Path, depth: int) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.write(leaf := os.open("leaf", os.O_WRONLY, dir_fd=descriptor), b"12345")
    os.close(leaf)
    os.close(descriptor)


def test_trees_far_deeper_than_a_path_can_say_are_measured_and_removed(root: ConfinedRoot, inside: Path) -> None:
    (inside / "deep").mkdir()
    make_deep(inside / "deep", 2_500)
    descriptors = open_descriptors()

    size = root.size_bytes("deep")
    root.chown_tree(Owner(os.getuid(), os.getgid()), "deep")
    root.remove("deep")

    assert size == 5
    assert not (inside / "deep").exists()
    assert open_descriptors() == descriptors


def test_a_tree_too_deep_to_measure_is_refused_and_can_still_be_removed(root: ConfinedRoot, inside: Path) -> None:
    (inside / "deep").mkdir()
    make_deep(inside / "deep", 4_200)

    with pytest.raises(FileRefused):
        root.size_bytes("deep")
    root.remove("deep")

    assert not (inside / "deep").exists()


def test_removing_a_tree_removes_links_and_not_what_they_point_to(
    root: ConfinedRoot, inside: Path, outside: Path
) -> None:
    (inside / "tree" / "x").mkdir(parents=True)
    (inside / "tree" / "x" / "link").symlink_to(outside)
    (inside / "tree" / "link").symlink_to(outside / "secret")

    root.remove("tree")

    assert not (inside / "tree").exists()
    assert (outside / "secret").read_text() == "secret"


@pytest.mark.skipif(os.getuid() != 0, reason="giving files away wants root")
def test_a_tree_is_given_to_its_owner_links_themselves_and_nothing_outside(
    root: ConfinedRoot, inside: Path, outside: Path
) -> None:
    root.chown_tree(Owner(12_345, 12_346))

    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in [inside, *inside.rglob("*")]}
    assert owners == {(12_345, 12_346)}
    assert {path.lstat().st_uid for path in [outside, *outside.rglob("*")]} == {0}


def test_hard_links_count_once_and_holes_as_they_look(root: ConfinedRoot, inside: Path) -> None:
    os.link(inside / "mine", inside / "again")
    os.truncate(inside / "mine", 1_000_000)

    assert root.size_bytes() == 1_000_000


@pytest.mark.skipif(os.getuid() != 0, reason="mounting wants root")
def test_a_full_disk_is_refused_as_bad_input(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    assert os.system(f"mount -t tmpfs -o size=64k tmpfs {small}") == 0
    try:
        with ConfinedRoot(small) as root, root.open_write("file") as file, pytest.raises(OSError, match="No space"):
            for _ in range(100):
                file.write(b"x" * 4_096)
    finally:
        os.system(f"umount {small}")
