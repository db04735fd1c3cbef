"""A roll call: which processes of this panel run, and with which generation of the plugins."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from muntin.bus import Json

if TYPE_CHECKING:
    from muntin.panel import Panel

ASK, ANSWER = "plugins.who", "plugins.here"
WAIT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A process that answered.

    Attributes:
        kind: `web` or `worker`.
        generation: Of the plugins it loaded; `None` for none.
    """

    host: str
    pid: int
    kind: str
    generation: int | None


def answer_roll_calls(panel: Panel) -> None:
    """Have this process answer from now on; commands stay silent."""
    if panel.process == "command":
        return
    here: dict[str, Json] = {
        "host": host_of(panel), "pid": os.getpid(), "kind": panel.process, "generation": panel.generation,
    }  # fmt: skip
    panel.bus.subscribe(ASK, lambda _topic, _data: panel.bus.publish(ANSWER, here))


def host_of(panel: Panel) -> str:
    """The machine and data dir: processes of one such pair share their generations."""
    return f"{socket.gethostname()}:{panel.configuration.data_dir.absolute()}"


async def call_roll(panel: Panel, *, wait_s: float = WAIT_S) -> list[Present]:
    """Who else of this machine answers within the time; nobody when the panel does not run."""
    found: dict[int, Present] = {}

    def hear(_topic: str, data: Json) -> None:
        if isinstance(data, dict) and data.get("host") == host_of(panel) and isinstance(data.get("pid"), int):
            generation = data.get("generation")
            one = Present(
                host=str(data["host"]),
                pid=int(str(data["pid"])),
                kind=str(data.get("kind")),
                generation=generation if isinstance(generation, int) else None,
            )
            found[one.pid] = one
        found.pop(os.getpid(), None)

    unsubscribe = panel.bus.subscribe(ANSWER, hear)
    try:
        panel.bus.publish(ASK)
        if await panel.bus.flush():
            await asyncio.sleep(wait_s)
    finally:
        unsubscribe()
    return list(found.values())
