"""Starts the throw-away process, reads what it finds, and ends it when it does not end by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from muntin.conformance.accepting import STALE_RULE, accepted
from muntin.conformance.finding import Finding, Rule
from muntin.conformance.finding_subjects import find_subjects
from muntin.conformance.subject import Subject

DIES_RULE = Rule(
    "process-dies",
    "error",
    "In a panel it would take the process of everybody's requests with it.",
    "Never call os._exit or sys.exit; let libraries in C that crash run in a process of their own.",
)
HANGS_RULE = Rule(
    "process-hangs",
    "error",
    "In a panel it would stop the process of everybody's requests; the watchdog quarantines the plugin.",
    "Do nothing that waits without a limit, above all not while a module is imported or a hook is called.",
)
RULES = (DIES_RULE, HANGS_RULE, STALE_RULE)
LAST_STAGE = "attacks"
LIMITS_S: Mapping[str, float] = {"start": 60, "import": 10, "hooks": 10, "pages": 60, "switch": 60, "attacks": 900}
OTHER_LIMIT_S = 60.0
TAIL = 800


@dataclass(slots=True)
class Report:
    """What was found of one plugin.

    Attributes:
        stages: What was looked at, in order; the last one is where it broke off if `complete` is false.
        took_s: Seconds.
    """

    subject: Subject
    findings: list[Finding] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    complete: bool = False
    took_s: float = 0.0


def check(target: str) -> list[Report]:
    """Check the plugins that a name, a project folder or a wheel stands for.

    Raises:
        finding_subjects.NotFound: No plugin is there.
    """
    with tempfile.TemporaryDirectory(prefix="muntin-check-") as folder:
        return [_check(subject, Path(folder)) for subject in find_subjects(target, Path(folder))]


def _check(subject: Subject, folder: Path) -> Report:
    report, began_s = Report(subject), time.monotonic()
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            [sys.executable, "-m", "muntin.conformance"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=_environment(subject, folder),
            start_new_session=True,
        ) as process:
            _watch(process, report)
        if not report.complete:
            said.seek(0)
            _broke_off(report, process.returncode, said.read().decode("utf-8", "replace")[-TAIL:])
    went_through = report.complete and _stage(report) == LAST_STAGE
    report.findings = list(accepted(subject, report.findings, complete=went_through))
    report.took_s = time.monotonic() - began_s
    return report


def _watch(process: subprocess.Popen[bytes], report: Report) -> None:
    """Give the process its subject, take in what it finds, and end it."""
    assert process.stdin is not None  # noqa: S101 - it was started with pipes
    lines: Queue[bytes] = Queue()
    reading = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reading.start()
    try:
        with suppress(BrokenPipeError):  # it is dead already; that is found out by what it does not say
            process.stdin.write(json.dumps(report.subject.as_json()).encode())
            process.stdin.close()
        _follow(process, report, lines)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with whatever the plugin started
        reading.join()


def _follow(process: subprocess.Popen[bytes], report: Report, lines: Queue[bytes]) -> None:
    """Take in lines until the process is done, dead, or too long at one stage."""
    deadline_s = time.monotonic() + LIMITS_S["start"]
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline_s - time.monotonic()))
        except Empty:
            report.findings.append(
                HANGS_RULE.at(_stage(report), f"It did not get through the stage {_stage(report)!r}.")
            )
            report.complete = True  # the finding says all there is to say
            return
        if not line:
            process.wait()
            return
        told: dict[str, Any] = json.loads(line)
        if "stage" in told:
            report.stages.append(told["stage"])
            deadline_s = time.monotonic() + LIMITS_S.get(told["stage"], OTHER_LIMIT_S)
        elif "finding" in told:
            report.findings.append(Finding(**told["finding"]))
        else:
            report.complete = True
            return


def _read(process: subprocess.Popen[bytes], lines: Queue[bytes]) -> None:
    assert process.stdout is not None  # noqa: S101 - it was started with pipes
    for line in process.stdout:
        lines.put(line)
    lines.put(b"")


def _broke_off(report: Report, status: int, said: str) -> None:
    last = said.strip().splitlines()[-1:] or [""]
    what = f"The process ended with status {status} in the stage {_stage(report)!r}. {last[0]}".strip()
    report.findings.append(DIES_RULE.at(_stage(report), what))


def _stage(report: Report) -> str:
    return report.stages[-1] if report.stages else "start"


def _environment(subject: Subject, folder: Path) -> dict[str, str]:
    """Nothing of the operator's panel: no data folder, no settings, no secrets.

    Args:
        folder: For what it leaves when it is killed or ends itself; goes with the check.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUNTIN_")}
    path = os.pathsep.join([*subject.paths, *filter(None, [kept.get("PYTHONPATH")])])
    return {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder)}
