"""How much memory a process may take before it is replaced, and before the system refuses it more."""

from __future__ import annotations

import resource

from muntin.configuration import Configuration

HARD_FACTOR = 3
"""At so many times the limit an allocation fails: what takes it all at once is not seen in time by the watchdog."""
MIB = 1024 * 1024


def bound_memory(configuration: Configuration) -> int:
    """Bound this process; answers the limit that the watchdog is to watch, in MiB, 0 for none."""
    limit_mib = configuration.process_memory_mib
    if limit_mib:
        _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = limit_mib * HARD_FACTOR * MIB
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))
    return limit_mib
