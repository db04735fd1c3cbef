"""Folders reached by descriptors, and what is on the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from muntin_node.file_trees import closing, open_folder
from muntin_node.openat2 import sync_file_system


def test_folder_below_is_opened_but_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")

    with closing(os.open(tmp_path, os.O_RDONLY)) as root:
        found = open_folder(root, b"a/b")
        others = [open_folder(root, path) for path in (b"link", b"link/b", b"a/b/file", b"missing")]

    assert found is not None
    with closing(found), os.scandir(found) as entries:
        assert [entry.name for entry in entries] == ["file"]
    assert others == [None, None, None, None]


def test_file_system_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")

    with closing(os.open(tmp_path, os.O_RDONLY)) as folder:
        sync_file_system(folder)

    with pytest.raises(OSError, match="Bad file descriptor"):
        sync_file_system(-1)
