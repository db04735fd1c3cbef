"""Loading a plugin for the first time, in a process that may die of it.

The process imports the plugin, calls its hooks, checks what they answer against the core and the plugins beside it,
compiles its templates, and applies its migrations to an empty database that is thrown away. It has a deadline and a
bound on its memory; whatever the plugin prints is thrown away but for the end of what it says on standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from muntin.supervisor.cores import queued_s
from muntin.translation import _

DEADLINE_S = 20.0
MEMORY_MIB = 1024
SAID_BYTES = 4096
MAX_MESSAGE_BYTES = 256 * 1024
PATIENCE = 4
"""A process that has to wait for its turn on a busy machine is given that time back, up to so many deadlines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What came of loading a plugin.

    Attributes:
        step: The step it failed at: `start`, `find`, `import`, `hooks`, `clashes`, `templates`, `migrations`; empty
            when all went well.
        reason: What went wrong, for an administrator.
        remedy: What to do about it.
        contributions: Kind -> how many, as far as it got: `{"Route": 12, "Permission": 4}`.
        seconds: How long it took.
    """

    plugin: str
    ok: bool
    step: str = ""
    reason: str = ""
    remedy: str = ""
    contributions: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


async def probe(
    path_entries: Sequence[Path | str],
    plugin: str,
    *,
    beside: Sequence[str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> ProbeReport:
    """Load one plugin in a process of its own.

    Args:
        path_entries: Folders to be put at the end of `sys.path`, so that the plugin is found.
        beside: Plugins that run beside it, whose claims it must not take; every other installed one when `None`.
        deadline_s: For all of it together.
    """
    async with contextlib.aclosing(probe_each(path_entries, [plugin], beside=beside, deadline_s=deadline_s)) as reports:
        async for report in reports:
            return report
    raise AssertionError("unreachable: there is a report for every plugin")


async def probe_each(
    path_entries: Sequence[Path | str],
    plugins: Sequence[str],
    *,
    beside: Sequence[str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> AsyncGenerator[ProbeReport, None]:
    """Load several plugins, one beside the other; a report for each, in order.

    One process does for all while they behave; after one that does not, the rest get a new one.

    Args:
        deadline_s: For each.
    """
    waiting, good = list(plugins), beside
    while waiting:
        process = await _Process.start(path_entries, waiting, good, deadline_s)
        try:
            while waiting:
                report = await process.report(waiting[0], deadline_s)
                yield report
                name = waiting.pop(0)
                if good is not None and report.ok:
                    good = [*good, name]
                if process.is_over:
                    break
        finally:
            await process.end()


class _Process:
    """The throw-away process."""

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, folder: Path) -> None:
        self.is_over = False
        self._process = process
        self._folder = folder
        self._reader = reader
        self._said = bytearray()
        self._listening = asyncio.create_task(self._listen(), name="muntin-probe-errors")

    @classmethod
    async def start(
        cls, path_entries: Sequence[Path | str], plugins: Sequence[str], beside: Sequence[str] | None, deadline_s: float
    ) -> _Process:
        folder = Path(tempfile.mkdtemp(prefix="muntin-probe-"))  # the process is killed, it removes nothing
        order = {
            "folder": str(folder),
            "path": [str(one) for one in path_entries],
            "plugins": list(plugins),
            "beside": None if beside is None else list(beside),
            "memory_mib": MEMORY_MIB,
            "lives_s": (PATIENCE * deadline_s + 5) * len(plugins),
        }
        read_fd, write_fd = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "muntin.plugins.probing_process", str(write_fd), json.dumps(order),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
                pass_fds=[write_fd], start_new_session=True, env={**os.environ, "TMPDIR": str(folder)},
            )  # fmt: skip
        except BaseException:
            os.close(read_fd)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            os.close(write_fd)
        reader = asyncio.StreamReader(limit=MAX_MESSAGE_BYTES)
        pipe = os.fdopen(read_fd, "rb", buffering=0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        return cls(process, reader, folder)

    async def report(self, plugin: str, deadline_s: float) -> ProbeReport:
        """What it says of a plugin, or what its silence says."""
        started_s = time.monotonic()
        self._said.clear()
        found = ProbeReport(plugin=plugin, ok=False, step="start", remedy=_remedy(plugin))
        try:
            async with asyncio.timeout(deadline_s) as limit, self._patience(limit, deadline_s):
                async for message in self._messages():
                    found = _with(found, message)
                    if found.ok or found.reason:
                        break
                else:
                    self.is_over = True
                    found = replace(found, reason=await self._last_words())
        except TimeoutError:
            self.is_over = True
            found = replace(found, reason=_("Not done after {seconds} s.", seconds=f"{deadline_s:g}"))
        return replace(found, seconds=round(time.monotonic() - started_s, 3))

    @contextlib.asynccontextmanager
    async def _patience(self, limit: asyncio.Timeout, deadline_s: float) -> AsyncIterator[None]:
        """Put off the deadline by what the process waits for its turn: the machine is to blame for that."""
        loop = asyncio.get_running_loop()
        began_s, waited_s = loop.time(), self._waited_s()

        async def put_off() -> None:
            while not limit.expired():
                await asyncio.sleep(min(1.0, deadline_s / 4))
                more_s = min(self._waited_s() - waited_s, (PATIENCE - 1) * deadline_s)
                with contextlib.suppress(RuntimeError):  # it is just running out
                    limit.reschedule(began_s + deadline_s + more_s)

        putting_off = asyncio.create_task(put_off(), name="muntin-probe-patience")
        try:
            yield
        finally:
            putting_off.cancel()
            await asyncio.gather(putting_off, return_exceptions=True)

    def _waited_s(self) -> float:
        return queued_s(self._process.pid)

    async def end(self) -> None:
        """Nothing of it is left, nor of what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        try:
            await self._process.wait()
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)  # at once, also when this is cancelled: it is little

    async def _messages(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            try:
                line = await self._reader.readline()
                message = json.loads(line) if line else None
            except ValueError:  # not JSON or too long: the plugin wrote to what is not its own
                message = None
            if not isinstance(message, dict):
                return
            yield message

    async def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was started with a pipe
        while data := await self._process.stderr.read(65536):
            self._said = (self._said + data)[-SAID_BYTES:]

    async def _last_words(self) -> str:
        code = await self._process.wait()
        how = _("It ended the process with exit code {code}.", code=code)
        if code < 0:
            how = _("It ended the process with the signal {name}.", name=signal.Signals(-code).name)
        await asyncio.wait({self._listening}, timeout=1.0)
        said = self._said.decode(errors="replace").strip().splitlines()
        return f"{how} {said[-1][:500]}" if said else how


def _with(found: ProbeReport, message: Mapping[str, Any]) -> ProbeReport:
    """The report with what one message adds: the step that begins, what was counted, the end."""
    counted = {str(kind): int(number) for kind, number in message.get("contributions", {}).items()}
    found = replace(found, contributions=counted or found.contributions)
    if message.get("done"):
        return replace(found, ok=True, step="", reason="", remedy="")
    return replace(found, step=str(message.get("step", found.step)), reason=str(message.get("reason", ""))[:2000])


def _remedy(plugin: str) -> str:
    return _(
        "Tell its author, and install a version that works; or have it tried again with "
        "`muntin plugin enable {plugin}`.",
        plugin=plugin,
    )
