"""httpx without its command line, which would load rich and pygments into every agent (5 MB, 30 ms)."""

from __future__ import annotations

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None makes httpx's optional import fail

import httpx  # noqa: E402 - only after the line above

__all__ = ["httpx"]
