"""The command line of the figures: measures what is asked for, prints a table, ends with 1 where a bound is missed."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import console, faulty, many_plugins, power, servers, startup, toggling, webhooks
from tests.bench.figures import Figure, Options, table

BENCHES: dict[str, Callable[[Options], Awaitable[list[Figure]]]] = {
    "servers": servers.measure,
    "power": power.measure,
    "startup": startup.measure,
    "console": console.measure,
    "faulty": faulty.measure,
    "toggling": toggling.measure,
    "many-plugins": many_plugins.measure,
    "webhooks": webhooks.measure,
}


def main() -> int:
    """Run the benches named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="bench", help=f"any of: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=10, help="interleaved rounds (10 at least for a verdict)")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds of idling before memory is looked at")
    given = parser.parse_args()
    if unknown := set(given.benches) - set(BENCHES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(BENCHES)}")
    with tempfile.TemporaryDirectory(prefix="muntin-bench-") as folder:
        options = Options(folder=Path(folder), rounds=given.rounds, idle_s=given.idle)
        return asyncio.run(_run(given.benches or list(BENCHES), options))


async def _run(names: list[str], options: Options) -> int:
    missed = 0
    for name in names:
        load_before = os.getloadavg()[0]
        figures = await BENCHES[name](options)
        sys.stdout.write(f"\n{name} (load average {load_before:.1f} before, {os.getloadavg()[0]:.1f} after)\n")
        sys.stdout.write(table(figures) + "\n")
        sys.stdout.flush()
        missed += sum(not figure.is_met for figure in figures)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
