"""What `muntin-node doctor` finds at the panel: other versions of halves, and a proxy that passes no websockets."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muntin_node.config import NodeConfig
from muntin_node.doctor import examine

HALF = """
from muntin_node.contributions import NodeHalf
from muntin_node.hookspecs import hookimpl


@hookimpl
def muntin_node_half():
    return NodeHalf(name="oldhalf", version="1.2.3", start=None)
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One half, of version 1.2.3."""
    (tmp_path / "oldhalf.py").write_text(HALF)
    information = tmp_path / "oldhalf-1.2.3.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: oldhalf\nVersion: 1.2.3\n")
    (information / "entry_points.txt").write_text("[muntin.node]\noldhalf = oldhalf\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()


async def found(make_config: Callable[..., NodeConfig], panel: Any) -> list[str]:
    """What the doctor says of halves and of the line to the panel."""
    config = make_config(remote=panel.url, muntin={"halves": ["oldhalf"]})
    problems = await asyncio.to_thread(examine, config)
    return [one.what for one in problems if "half" in one.what or "line" in one.what]


@pytest.mark.parametrize(
    ("panels", "told"),
    [
        ("1.2.9", []),
        ("1.3.0", ["The half oldhalf is 1.2.3 here and 1.3.0 on the panel, which does not call it."]),
    ],
)
async def test_half_of_another_series_than_the_panels_is_named(
    make_config: Callable[..., NodeConfig], panel: Any, panels: str, told: list[str]
) -> None:
    panel.to_node.put_nowait(json.dumps({"topic": "halves", "data": {"oldhalf": panels, "other": "9.0"}}))

    assert await found(make_config, panel) == told


async def test_line_that_ends_before_a_word_is_told(make_config: Callable[..., NodeConfig], panel: Any) -> None:
    panel.to_node.put_nowait(None)

    [told] = await found(make_config, panel)

    assert told.startswith("The line to the panel cannot be held (ConnectionClosed")
