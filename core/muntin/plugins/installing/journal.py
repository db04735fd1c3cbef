"""`pending.json`: what a change is about to do, so that whoever comes after a crash can put back what was."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FILE_NAME = "pending.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A change under way.

    Attributes:
        before, after: The generations; `None` for none.
        history: The migrations ("label.name") that were applied before; `None` while none is applied by the change.
        rolling: Whether processes are being replaced by ones that use `after`.
    """

    before: int | None
    after: int | None
    history: tuple[str, ...] | None = None
    rolling: bool = False


class Journal:
    """The file of one `plugins` folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def write(self, pending: Pending) -> None:
        """Note it, before it is done."""
        draft = self._path.with_name(f".{FILE_NAME}.{os.getpid()}")
        with draft.open("w") as file:
            json.dump(asdict(pending), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def rolling(self, rolling: bool) -> None:
        """Note that processes are replaced, or are no more."""
        pending = self.read()
        if pending is not None:
            self.write(replace(pending, rolling=rolling))

    def read(self) -> Pending | None:
        """The change that is under way, or was broken off."""
        try:
            values = json.loads(self._path.read_text())
            history = values["history"]
            return Pending(**{**values, "history": None if history is None else tuple(history)})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def forget(self) -> None:
        """It is over."""
        self._path.unlink(missing_ok=True)
