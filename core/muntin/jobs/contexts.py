"""What a handler is given: who it is, how to show progress, and for sagas how to take a step."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from muntin.bus import Json
from muntin.jobs.journal import StepJournal, Work
from muntin.plugins.boundaries import patiently

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)

UNDO_ATTEMPTS = 5
Progress = Callable[[int, str], Awaitable[None]]
Undo = Callable[[Any], Awaitable[object]]


class StepFailed(Exception):
    """A step of a saga failed at each of its attempts; the message says how. Raised in the saga's handler."""


class SagaCancelled(Exception):
    """Somebody cancelled the saga; raised at its next step so that it is undone."""


class JobContext:
    """One attempt of a job."""

    def __init__(self, job_id: UUID, name: str, attempt: int, progress: Progress) -> None:
        self.id = job_id  # the same at every attempt: the idempotency key for effects outside
        self.name = name
        self.attempt = attempt  # 1 is the first
        self._progress = progress

    async def progress(self, percent: int, text: str = "") -> None:
        """Show how far it is; cheap to call often.

        Args:
            percent: 0 to 100.
            text: What it is doing, for people; at most 255 characters are kept.
        """
        await self._progress(max(0, min(100, percent)), text[:255])


class SagaContext(JobContext):
    """One attempt of a saga."""

    def __init__(
        self,
        job_id: UUID,
        name: str,
        attempt: int,
        progress: Progress,
        *,
        journal: StepJournal,
        is_cancelled: Callable[[], Awaitable[bool]],
        step_timeout_s: float,
    ) -> None:
        super().__init__(job_id, name, attempt, progress)
        self._journal = journal
        self._is_cancelled = is_cancelled
        self._step_timeout_s = step_timeout_s
        self._undo: list[tuple[str, Undo, Any]] = []

    async def step(
        self,
        do: Callable[..., Awaitable[Json]],
        *arguments: Any,
        undo: Undo | None = None,
        attempts: int = 3,
        backoff_s: float = 1.0,
    ) -> Any:
        """Do one step, or answer what it gave before a crash. A step may run more than once, but finishes once.

        Args:
            do: Called with `arguments`; its name stays the same, it returns JSON.
            undo: Called with the step's answer when the saga fails later. Must bear being called twice.
            attempts: Tries before `StepFailed`.
            backoff_s: Before the second try; doubles.

        Raises:
            StepFailed: Every try failed. Not catching it undoes the saga.
        """

        async def work() -> dict[str, Any]:
            if await _unless_away(self._is_cancelled()):
                return {"cancelled": True}
            return await self._try(do, arguments, attempts, backoff_s)

        name = getattr(do, "__name__", "step")
        with patiently():  # steps have deadlines of their own
            outcome = await _unless_away(self._journal.step(name, work))
        if outcome.get("cancelled"):
            raise SagaCancelled
        if "error" in outcome:
            raise StepFailed(f"{name}: {outcome['error']}")
        if undo is not None:
            self._undo.append((name, undo, outcome["value"]))
        return outcome["value"]

    async def undo_all(self) -> list[str]:
        """Undo the finished steps, the last first; what could not be undone, in words."""
        failures = []
        while self._undo:
            name, undo, value = self._undo.pop()
            outcome = await _unless_away(self._journal.step(f"undo {name}", self._undoing(undo, value)))
            if "error" in outcome:
                failures.append(f"{name} could not be undone: {outcome['error']}")
        return failures

    def _undoing(self, undo: Undo, value: Any) -> Work:
        async def once(value: Any) -> None:
            await undo(value)

        async def work() -> dict[str, Any]:
            return await self._try(once, (value,), UNDO_ATTEMPTS, 1.0)

        return work

    async def _try(
        self, do: Callable[..., Awaitable[Json]], arguments: tuple[Any, ...], attempts: int, backoff_s: float
    ) -> dict[str, Any]:
        """`{"value": ...}` or `{"error": ...}`; a failed step is remembered too, or a replay would go another way."""
        for attempt in range(1, attempts + 1):
            try:
                async with asyncio.timeout(self._step_timeout_s):
                    return {"value": json.loads(json.dumps(await do(*arguments)))}
            except Exception as error:  # the step is a plugin's; the worker goes on
                log.warning("job %s (%s): try %d of a step failed", self.id, self.name, attempt, exc_info=error)
                failure = describe(error)
            if attempt < attempts:
                await asyncio.sleep(backoff_s * 2 ** (attempt - 1))
        return {"error": failure}


async def _unless_away(asking: Awaitable[Answer]) -> Answer:
    """Ask our own databases; when they are away the saga has not failed, it goes on later from what is remembered."""
    try:
        return await asking
    except Exception as error:
        log.exception("a saga cannot go on now")
        raise asyncio.CancelledError from error


def describe(error: BaseException) -> str:
    """An exception in one line, for the row that people read."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
