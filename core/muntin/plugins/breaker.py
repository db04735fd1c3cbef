"""Takes out a plugin that fails again and again, in all processes at once.

Only what nobody expects is counted (an answer of 500, a deadline that passed, a wrong kind of answer); a refusal never
is, so bad input counts nothing. What one account, address or job causes counts three times at most, and a plugin is
left alone while it serves more of them than it fails: so nobody can have a plugin taken out by hammering one route that
has a flaw. What the panel itself asks of a plugin (its timers, subscribers, health checks) and what administrators do
counts every time.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from muntin.supervisor.wire import BLAMED_TOPIC
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.access import Actor
    from muntin.bus import Bus, Json, Unsubscribe
    from muntin.plugins.registry import Snapshot

log = logging.getLogger("muntin.plugins")

FAILURES = 10
"""So many failures ..."""
WINDOW_S = 60.0
"""... within so long, and the plugin is taken out."""
OF_ONE_SOURCE = 3
"""What one account, address or job can add to that."""
TOPIC = "plugins.failed"
TRUSTED = "admin.plugins.switch"

Source = str
"""Who caused a call: `""` for the panel itself and for administrators, else a name that stands for one of many."""
PANEL: Source = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that went wrong.

    Attributes:
        contribution: What failed, for people.
        error: What was raised, in one line.
    """

    plugin: str
    contribution: str
    error: str
    source: Source = PANEL


@dataclass(slots=True)
class _Count:
    """What is remembered of one plugin."""

    failures: deque[tuple[float, Failure]] = field(default_factory=deque)
    good: dict[Source, float] = field(default_factory=dict)  # source -> when it was served last, in this process
    good_elsewhere: dict[int, tuple[float, int]] = field(default_factory=dict)  # process -> when it told, how many
    tripped: bool = False


class TakeOut(Protocol):
    """Quarantines a plugin, see `muntin.plugins.quarantine`."""

    async def __call__(self, plugin: str, reason: str, *, loading: bool = False) -> bool:
        """Whether it was running until now."""
        ...


Start = Callable[[Coroutine[Any, Any, None], str], None]
"""Runs work beside everything else, under a name."""


class Breaker:
    """Counts the failures of plugins in this process and, over the bus, in all others."""

    def __init__(self, take_out: TakeOut, start: Start, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._quarantine = take_out
        self._start = start
        self._clock = clock
        self._counts: dict[str, _Count] = {}
        self._bus: Bus | None = None
        self._unsubscribe: list[Unsubscribe] = []

    def open(self, bus: Bus) -> None:
        """Begin to count."""
        self._bus = bus
        self._unsubscribe = [bus.subscribe(TOPIC, self._heard), bus.subscribe(BLAMED_TOPIC, self._blamed)]

    def close(self) -> None:
        """End counting."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._bus, self._unsubscribe = None, []

    def switched(self, before: Snapshot, after: Snapshot) -> None:
        """What changed its state begins anew."""
        for plugin in before.enabled ^ after.enabled:
            self.forget(plugin)

    def forget(self, plugin: str) -> None:
        """Begin anew with a plugin."""
        self._counts.pop(plugin, None)

    def succeeded(self, plugin: str, source: Source) -> None:
        """The plugin did what this source wanted of it."""
        if source:
            self._count(plugin).good[source] = self._clock()

    def failed(self, failure: Failure) -> None:
        """Count a failure and tell the other processes, unless this source was heard enough."""
        log.warning("Plugin %s failed: %s: %s", failure.plugin, failure.contribution, failure.error)
        if self._bus is None or not self._take(failure):
            return
        count = self._count(failure.plugin)
        message: dict[str, Json] = {
            "pid": os.getpid(),
            "plugin": failure.plugin,
            "contribution": failure.contribution,
            "error": failure.error,
            "source": failure.source,
            "good": len(self._good(count)),
        }
        self._bus.publish(TOPIC, message)
        self._trip_when_due(failure.plugin)

    def _heard(self, _topic: str, data: Json) -> None:
        if not isinstance(data, dict) or data["pid"] == os.getpid():
            return
        names = ("plugin", "contribution", "error", "source")
        failure = Failure(**{name: str(data[name]) for name in names})
        self._count(failure.plugin).good_elsewhere[int(str(data["pid"]))] = (self._clock(), int(str(data["good"])))
        if self._take(failure):
            self._trip_when_due(failure.plugin)

    def _blamed(self, _topic: str, data: Json) -> None:
        """The supervisor says that a plugin held up or ended a process."""
        if isinstance(data, dict):
            plugin, reason, loading = str(data["plugin"]), str(data["reason"]), bool(data["loading"])
            self._start(self._take_out(plugin, reason, loading=loading), f"quarantine:{plugin}")

    def _take(self, failure: Failure) -> bool:
        """Remember it; False where its source was counted often enough."""
        failures = self._count(failure.plugin).failures
        self._forget_old(failures)
        same = sum(one.source == failure.source for _at, one in failures)
        if failure.source and same >= OF_ONE_SOURCE:
            return False
        failures.append((self._clock(), failure))
        return True

    def _trip_when_due(self, plugin: str) -> None:
        count = self._count(plugin)
        if count.tripped or len(count.failures) < FAILURES or self._serves_more(count):
            return
        count.tripped = True
        reason = _in_words([one for _at, one in count.failures])
        self._start(self._take_out(plugin, reason), f"quarantine:{plugin}")

    async def _take_out(self, plugin: str, reason: str, *, loading: bool = False) -> None:
        count = self._count(plugin)
        count.tripped = True
        try:
            await self._quarantine(plugin, reason, loading=loading)
        except BaseException:
            count.tripped = False  # the store may be away; the next failure tries again
            raise

    def _serves_more(self, count: _Count) -> bool:
        """Whether more sources got what they wanted than did not, and the panel's own failures alone do not suffice."""
        failing = {one.source for _at, one in count.failures}
        if sum(one.source == PANEL for _at, one in count.failures) >= FAILURES:
            return False
        since = self._clock() - WINDOW_S
        elsewhere = sum(number for at, number in count.good_elsewhere.values() if at >= since)
        return len(self._good(count) - failing) + elsewhere > len(failing)

    def _good(self, count: _Count) -> set[Source]:
        since = self._clock() - WINDOW_S
        count.good = {source: at for source, at in count.good.items() if at >= since}
        return set(count.good)

    def _forget_old(self, failures: deque[tuple[float, Failure]]) -> None:
        since = self._clock() - WINDOW_S
        while failures and failures[0][0] < since:
            failures.popleft()

    def _count(self, plugin: str) -> _Count:
        return self._counts.setdefault(plugin, _Count())


def source_of(actor: Actor) -> Source:
    """Whom a request counts for: administrators for the panel, everybody without an account for one."""
    if actor.kind == "system":
        return PANEL
    if actor.account_id is None:
        return actor.kind
    return PANEL if actor.may(TRUSTED) else str(actor.account_id)


def _in_words(failures: list[Failure]) -> str:
    (contribution, error), times = Counter((one.contribution, one.error) for one in failures).most_common(1)[0]
    return _(
        "It failed {count} times within {seconds} s; {times} times: {contribution}: {error}",
        count=len(failures),
        seconds=f"{WINDOW_S:g}",
        times=times,
        contribution=contribution,
        error=error,
    )
