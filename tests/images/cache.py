"""Where downloads and built root file systems are kept between runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """`MUNTIN_TEST_CACHE`, else `~/.cache/muntin-tests`."""
    folder = Path(os.environ.get("MUNTIN_TEST_CACHE") or Path.home() / ".cache" / "muntin-tests")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def only_one() -> Iterator[Path]:
    """The folder, for one process at a time: two sessions must not make the same image at once."""
    folder = cache_folder()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
