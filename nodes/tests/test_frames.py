from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from muntin_node.bus import MAX_FRAME_BYTES, PanelBus
from muntin_node.config import NodeConfig
from muntin_node.config_store import ConfigStore


async def test_halves_that_report_too_much_do_not_silence_the_node(
    make_config: Callable[..., NodeConfig], panel: Any
) -> None:
    async def health() -> dict[str, object]:
        return {"version": "1", "reports": {"chatty": {"text": "x" * MAX_FRAME_BYTES}}}

    task = asyncio.create_task(PanelBus(ConfigStore(make_config(remote=panel.url)), health=health).run())
    try:
        frame = await asyncio.wait_for(panel.frames.get(), 20)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert frame == {"topic": "health", "data": {"version": "1", "reports": {}}}
