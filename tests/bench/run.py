"""What `make bench` runs: `python tests/bench/run.py [--rounds 10] [servers] [power] [startup] [console]`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    sys.path[0] = str(REPOSITORY)
    runpy.run_module("tests.bench", run_name="__main__")
