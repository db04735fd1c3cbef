"""Asynchronous fixtures that work in each mode of pytest-asyncio, and whose absence breaks nobody's other tests."""

from __future__ import annotations

from typing import Any

import pytest

try:
    from pytest_asyncio import fixture
except ImportError:  # muntin is installed, its extra `testing` is not: pytest runs, these fixtures do not
    fixture: Any = pytest.fixture  # type: ignore[no-redef]

__all__ = ["fixture"]
