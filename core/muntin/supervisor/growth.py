"""How much memory a process holds, and to which plugins its growth is put down."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from muntin.supervisor.marker import Marker, name_in

URGENT = 2
"""At so many times the limit a process is ended at once, without letting it drain."""
MIB = 1024 * 1024
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Growth:
    """The resident memory of this process, looked at again and again by the watchdog's thread.

    What a process grew by since the look before is put down to the plugins that ran meanwhile. A plugin is to blame
    when most of the growth since the first look is its own; nobody is when it is the panel's.
    """

    def __init__(self, limit_mib: int) -> None:
        self.limit_mib = limit_mib
        self.rss_mib = self._first_mib = resident_mib()
        self.is_told = False
        self._by_plugin: Counter[str] = Counter()

    @property
    def is_over(self) -> bool:
        """Whether it holds more than it may."""
        return self.rss_mib > self.limit_mib

    @property
    def to_blame(self) -> str | None:
        """The plugin most of the growth is put down to."""
        grown_mib = self.rss_mib - self._first_mib
        for plugin, own_mib in self._by_plugin.most_common(1):
            if own_mib * 2 > grown_mib:
                return plugin
        return None

    def look(self, running: str | None, marker: Marker) -> None:
        """Measure, and put the difference down to the plugin that runs, or to those that ran since the last look."""
        before_mib, self.rss_mib = self.rss_mib, resident_mib()
        ran = {name for mark in marker.ran if (name := name_in(mark))}
        marker.ran = set()
        plugins = {running} if running else ran
        for plugin in plugins:
            self._by_plugin[plugin] += (self.rss_mib - before_mib) // len(plugins)

    def report(self, *, is_stalled: bool) -> dict[str, object]:
        """What the supervisor is told."""
        urgent = is_stalled or self.rss_mib > self.limit_mib * URGENT
        return {"plugin": self.to_blame, "rss_mib": self.rss_mib, "limit_mib": self.limit_mib, "urgent": urgent}


def resident_mib() -> int:
    """The resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    return pages * PAGE_BYTES // MIB
