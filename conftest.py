"""`make fuzz` runs the tests marked `fuzz` for longer; `MUNTIN_FUZZ_S` says for how long each."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("fuzz", max_examples=20_000, deadline=None)
settings.register_profile("quick", max_examples=60, deadline=None)
settings.load_profile("fuzz" if "MUNTIN_FUZZ_S" in os.environ else "quick")
