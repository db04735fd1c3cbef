"""What remembers runs and their steps across crashes, as the rest of this package sees it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

Work = Callable[[], Coroutine[Any, Any, dict[str, Any]]]


def sqlite_path(data_dir: Path) -> Path:
    """Where the journal of a panel on SQLite is kept."""
    return data_dir.absolute() / "jobs.sqlite3"


class StepJournal(Protocol):
    """Remembers what the steps of the current run gave."""

    async def step(self, name: str, work: Work) -> dict[str, Any]:
        """Do the work and remember its answer, or give the answer that is remembered."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What is known of a run."""

    is_over: bool
    is_waiting: bool  # was resumed, no worker took it yet
    executor: str | None  # who took it last, perhaps dead


class Journal(StepJournal, Protocol):
    """Remembers runs too."""

    async def start(self, workflow_id: str, job_id: UUID, run: int, *, is_known: bool) -> bool:
        """Run it here, or have it go on (anywhere) if it began before; False when that run is over already."""

    async def statuses(self, workflow_ids: Sequence[str]) -> dict[str, RunStatus]:
        """What is known of these runs; those that never began are missing."""

    async def resume(self, workflow_ids: Sequence[str]) -> None:
        """Have these go on in whatever live worker is first."""

    async def forget_old(self) -> int:
        """Delete a batch of what is over for long; how many runs that were."""
