"""Whose code runs in a process right now, noted where its supervisor can read it after the process is gone.

A few bytes of memory shared by both: the name of the plugin whose step is being executed, empty while the panel's own
code runs. A process that ends with a name in it was ended by that plugin (`os._exit`, a crash of native code).
Standard library only.
"""

from __future__ import annotations

import mmap
import os

from muntin.supervisor.wire import MARKER_VARIABLE

NAME_BYTES = 32
SIZE_BYTES = NAME_BYTES + 1
NOBODY = bytes(NAME_BYTES)
LOADING = b"L"
"""In the last byte: the plugin is being imported, so a new process would come to the same place again."""


def as_mark(plugin: str) -> bytes:
    """The name in the form that is noted."""
    return plugin.encode()[:NAME_BYTES].ljust(NAME_BYTES, b"\0")


class Marker:
    """This process's side. Without a supervisor it notes in memory of its own, for the watchdog alone.

    Attributes:
        current: What is noted now.
        ran: Whose code ran since somebody emptied it.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self.current = NOBODY
        self.ran: set[bytes] = set()
        self._shared: mmap.mmap | bytearray = bytearray(SIZE_BYTES)
        if descriptor is not None:
            self._shared = mmap.mmap(descriptor, SIZE_BYTES)
            os.close(descriptor)

    def enter(self, mark: bytes) -> bytes:
        """Note a plugin; answers what was noted before, which is to be given back afterwards."""
        before = self.current
        self.current = mark
        self._shared[:NAME_BYTES] = mark
        self.ran.add(mark)
        return before

    def leave(self, before: bytes) -> None:
        """Note again what was noted before."""
        self.current = before
        self._shared[:NAME_BYTES] = before

    def loading(self, is_so: bool) -> None:
        """Note that what happens now happens while a plugin is loaded."""
        self._shared[NAME_BYTES:] = LOADING if is_so else b"\0"

    @property
    def plugin(self) -> str | None:
        """The plugin that is noted."""
        return name_in(self.current)


class MarkerFile:
    """The supervisor's side: memory that is handed to a child and read when the child is gone."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("muntin-marker", os.MFD_CLOEXEC)
        os.ftruncate(self.descriptor, SIZE_BYTES)

    def read(self) -> tuple[str | None, bool]:
        """The plugin that is noted, and whether it was being loaded."""
        noted = os.pread(self.descriptor, SIZE_BYTES, 0)
        return name_in(noted[:NAME_BYTES]), noted[NAME_BYTES:] == LOADING

    def close(self) -> None:
        """Let go of the memory."""
        os.close(self.descriptor)


def name_in(mark: bytes) -> str | None:
    """The name that a mark holds."""
    return mark.rstrip(b"\0").decode(errors="replace") or None


def _inherited() -> int | None:
    text = os.environ.pop(MARKER_VARIABLE, None)
    return None if text is None else int(text)


marker = Marker(_inherited())
"""The one of this process."""
