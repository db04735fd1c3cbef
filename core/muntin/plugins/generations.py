"""Generations: numbered folders with every plugin the operator installed and what those brought along.

    <data>/plugins/
        1/ 2/ ...        one folder each, complete; never changed once it is in use
        current          symbolic link to the one that is used
        pending.json     a change under way, see `installing.journal`; counts only while `lock` is held
        declared.toml    what is installed, see `declared`
        wheels/          the wheels that `declared.toml` names
        reports/         what became of each change
        lock             held while something is installed

The folder stands last on `sys.path`, so nothing in it can take the place of anything in the panel's own environment.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muntin.errors import Conflict

CHOSEN = "MUNTIN_GENERATION"
"""For processes that an installation starts: the generation to use whatever the link says; `none` for none."""


LOOKED_AT_S = 1.0
"""Processes that look whether the lock is held hold it for a moment themselves."""


class InstallUnderWay(Conflict):
    """Somebody else installs, upgrades or uninstalls something at this moment."""

    code = "install_under_way"
    default_message = "Another change of the plugins is under way; try again when it is done."


class Generations:
    """The folders of one data dir.

    Attributes:
        folder: `<data>/plugins`.
    """

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir.absolute() / "plugins"

    def path(self, number: int) -> Path:
        """The folder of a generation."""
        return self.folder / str(number)

    @property
    def wheels(self) -> Path:
        """Where wheels are kept, so that the same set can be built again without an index."""
        return self.folder / "wheels"

    @property
    def current(self) -> int | None:
        """The generation that is used; `None` while nothing was installed."""
        try:
            return int((self.folder / "current").readlink().name)
        except (OSError, ValueError):
            return None

    def switch(self, number: int | None) -> None:
        """Make a generation the one that is used, at once; `None` for none."""
        link = self.folder / "current"
        if number is None:
            link.unlink(missing_ok=True)
            return
        draft = self.folder / f".current.{os.getpid()}"
        draft.unlink(missing_ok=True)
        draft.symlink_to(str(number))
        draft.replace(link)
        _sync_folder(self.folder)

    def all(self) -> list[int]:
        """Numbers of the folders that are there."""
        if not self.folder.is_dir():
            return []
        return sorted(int(one.name) for one in self.folder.iterdir() if one.name.isdecimal() and one.is_dir())

    def new(self) -> int:
        """Make the folder of the next generation."""
        number = max((*self.all(), self.current or 0)) + 1
        self.path(number).mkdir(parents=True, mode=0o755)
        return number

    def remove(self, number: int) -> None:
        """Delete a generation's folder."""
        shutil.rmtree(self.path(number), ignore_errors=True)

    def keep_only(self, number: int | None) -> None:
        """Delete all folders but one."""
        for other in self.all():
            if other != number:
                self.remove(other)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who changes plugins on this machine.

        Raises:
            InstallUnderWay: Somebody else is.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("a") as file:
            deadline = time.monotonic() + LOOKED_AT_S
            while not _take(file.fileno()):
                if time.monotonic() > deadline:
                    raise InstallUnderWay
                time.sleep(0.02)
            yield

    @property
    def is_locked(self) -> bool:
        """Whether somebody changes plugins at this moment; the lock ends with its process, however that ends."""
        try:
            with (self.folder / "lock").open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def chosen(self) -> int | None:
        """The generation this process has to use.

        While processes are replaced because of a change that is the new one; once it is over, or broken off, the one
        the link names.
        """
        said = os.environ.get(CHOSEN, "")
        if said:
            return int(said) if said.isdecimal() else None
        try:
            pending = json.loads((self.folder / "pending.json").read_text())
        except (OSError, ValueError):
            return self.current
        under_way = isinstance(pending, dict) and pending.get("rolling") is True and self.is_locked
        return _number(pending.get("after")) if under_way else self.current


def activate(data_dir: Path) -> int | None:
    """Put this data dir's generation on `sys.path`, in place of any other; its number, `None` when there is none."""
    generations = Generations(data_dir)
    own = f"{generations.folder}{os.sep}"
    sys.path[:] = [one for one in sys.path if not one.startswith(own)]
    number = generations.chosen()
    if number is not None and generations.path(number).is_dir():
        sys.path.append(str(generations.path(number)))
        importlib.invalidate_caches()
        return number
    return None


def active_folders(data_dir: Path) -> list[Path]:
    """The same for a process that is to be started: the folders it has to put on its `sys.path`."""
    number = activate(data_dir)
    return [] if number is None else [Generations(data_dir).path(number)]


def is_in_a_generation(path: Path) -> bool:
    """Whether a distribution lies in a generation rather than in the panel's own environment."""
    return path.name.isdecimal() and path.parent.name == "plugins" and (path.parent / "lock").exists()


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
