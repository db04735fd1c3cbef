"""`python -m muntin.processes web|worker|migrate`: a program of the panel, begun without the collector in its way."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

YOUNG_OBJECTS = 10_000
"""A list makes thousands of objects that die with its answer; Python's own 700 would look at them several times."""


def main() -> int:
    """Import the program and run it to its end; the exit code.

    Nearly everything an import makes stays, so collecting meanwhile finds nothing: a tenth of the time until a panel
    answers (measured).
    """
    gc.disable()
    program = import_module(f"muntin.processes.{sys.argv[1]}")
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
    gc.enable()
    return int(program.main() or 0)


if __name__ == "__main__":
    sys.exit(main())
