"""What a change of the plugins does, step by step: shown while it goes on, kept when it is over."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid4

import orjson

from muntin.errors import Conflict, MuntinError
from muntin.translation import _

StepState = Literal["running", "done", "failed"]
Action = Literal["install", "upgrade", "uninstall", "purge", "sync", "clean up"]
KEPT = 30


@dataclass(slots=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        title: What it does, in words.
        text: What came of it.
        undoes: Whether it puts back what an earlier step did.
    """

    title: str
    state: StepState = "running"
    text: str = ""
    undoes: bool = False
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Report:
    """One change.

    Attributes:
        target: The plugin, or what was asked for while that is not known.
        state: `done`, or `failed` and then everything is as it was, unless a step says otherwise.
        error, remedy: Why it failed and what to do.
        by: Who asked for it.
    """

    action: Action
    target: str
    by: str = "system"
    id: UUID = field(default_factory=uuid4)
    state: StepState = "running"
    steps: list[Step] = field(default_factory=list)
    error: str = ""
    remedy: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    folder: Path | None = None  # where it is kept
    listener: Callable[[Step], None] | None = None  # told when a step is over

    @asynccontextmanager
    async def step(self, title: str, *, undoes: bool = False) -> AsyncIterator[Step]:
        """Do one step; whatever it raises fails it, and is raised on."""
        one = Step(title=title, undoes=undoes)
        self.steps.append(one)
        self.save()
        started = time.monotonic()
        try:
            yield one
            one.state = "done"
        except BaseException as error:
            one.state = "failed"
            one.text = in_words(error)
            raise
        finally:
            one.seconds = round(time.monotonic() - started, 3)
            self.save()
            if self.listener is not None:
                self.listener(one)

    def finish(self, failure: BaseException | None = None) -> None:
        """Say how it ended."""
        self.state = "failed" if failure else "done"
        self.finished_at = datetime.now(UTC)
        if failure is not None:
            self.error = in_words(failure)
            self.remedy = str(getattr(failure, "remedy", ""))
        self.save()

    @property
    def failed_step(self) -> Step | None:
        """The step that failed."""
        return next((one for one in self.steps if one.state == "failed" and not one.undoes), None)

    def save(self) -> None:
        """Write it down, where it is kept."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.folder / f".{self.id}.{os.getpid()}"
        draft.write_bytes(orjson.dumps(self.to_json()))
        draft.replace(self.folder / f"{self.id}.json")

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        names = ("id", "action", "target", "by", "state", "error", "remedy", "started_at", "finished_at")
        steps = [{name: getattr(one, name) for name in Step.__dataclass_fields__} for one in self.steps]
        return {**{name: getattr(self, name) for name in names}, "steps": steps}


class ChangeFailed(Conflict):
    """A change of the plugins did not succeed; the message names the step.

    Attributes:
        report: Every step, those included that put back what was.
    """

    code = "plugin_change_failed"

    def __init__(self, report: Report) -> None:
        step = report.failed_step
        where = _("{action} failed at “{step}”: ", action=report.action.capitalize(), step=step.title) if step else ""
        super().__init__(f"{where}{report.error} {report.remedy}".strip(), report=str(report.id))
        self.report = report


def read_report(folder: Path, report_id: UUID) -> Report | None:
    """A report that was kept; `None` when there is none of that id."""
    try:
        values = orjson.loads((folder / f"{report_id}.json").read_bytes())
        steps = [Step(**one) for one in values.pop("steps")]
        moments = {
            name: datetime.fromisoformat(values[name]) if values[name] else None
            for name in ("started_at", "finished_at")
        }
        return Report(**{**values, **moments, "id": UUID(values["id"])}, steps=steps)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def newest_reports(folder: Path) -> list[Report]:
    """The reports that are kept, the newest first; older ones than the newest few are deleted."""
    found = [report for path in folder.glob("*.json") if (report := _read(path))]
    found.sort(key=lambda one: one.started_at, reverse=True)
    for old in found[KEPT:]:
        (folder / f"{old.id}.json").unlink(missing_ok=True)
    return found[:KEPT]


def forget_reports(folder: Path, plugin: str, *, but: UUID) -> None:
    """Delete the reports on a plugin, all but one."""
    for path in folder.glob("*.json"):
        report = _read(path)
        if report is not None and report.id != but and plugin in report.target.split(", "):
            path.unlink(missing_ok=True)


def _read(path: Path) -> Report | None:
    try:
        return read_report(path.parent, UUID(path.stem))
    except ValueError:
        return None


def in_words(error: BaseException) -> str:
    """A failure as one line for people."""
    if isinstance(error, MuntinError):
        return str(getattr(error, "reason", "") or error.message)
    return f"{type(error).__name__}: {error}"[:1000]
