"""The file `secret.key`: the installation's secret on its first line, earlier ones below."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEY_BYTES = 48


class KeyFile:
    """Read anew whenever it was changed, so that every process of this machine follows a rotation at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._keys: tuple[bytes, ...] = ()

    def keys(self) -> tuple[bytes, ...]:
        """The secret and the earlier ones; makes the file when there is none.

        Raises:
            OSError: It cannot be read or made.
            ValueError: It is empty.
        """
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write_once(new_key())
        stat = self.path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if stamp != self._stamp:
            self._keys = tuple(line.strip().encode() for line in self.path.read_text().splitlines() if line.strip())
            self._stamp = stamp
        if not self._keys:
            raise ValueError(f"{self.path} is empty; put the panel's secret back from a backup")
        return self._keys

    def replace(self, keys: tuple[bytes, ...]) -> None:
        """Keep these, the newest first; a crash leaves the old file or the new one, never half of one."""
        draft = self._draft("\n".join(key.decode() for key in keys) + "\n")
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write_once(self, text: str) -> None:
        """Create the file unless another process was faster."""
        draft = self._draft(text)
        try:
            os.link(draft, self.path)
        except FileExistsError:
            pass  # the other process's key stands
        finally:
            draft.unlink()

    def _draft(self, text: str) -> Path:
        """The text in a file of its own, mode 0600, safely on the disk."""
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return draft


def new_key() -> str:
    """A fresh secret."""
    return secrets.token_urlsafe(KEY_BYTES)
