"""Frames of the websocket as text, made once for all viewers where they are the same."""

from __future__ import annotations

import json

from pydantic import ValidationError

from muntin_gameservers.contract import ConsoleFrame
from muntin_node.fanout import Batch

CONSOLE_OUTPUT = "console output"
INSTALL_OUTPUT = "install output"


def frame(event: str, *args: str, seq: int | None = None) -> str:
    """One message."""
    content: dict[str, object] = {"event": event, "args": list(args)}
    if seq is not None:
        content["seq"] = seq
    return json.dumps(content, separators=(",", ":"))


def parsed(text: str) -> ConsoleFrame | None:
    """A message that came in; None when it has another form."""
    try:
        return ConsoleFrame.model_validate_json(text)
    except ValidationError:
        return None


def single_frames(event: str, batch: Batch) -> tuple[str, ...]:
    """Wings' form: a message per line."""
    return tuple(frame(event, line) for line in batch.lines)


def batched_frames(event: str, batch: Batch) -> tuple[str, ...]:
    """muntin's form: all lines in one message, which numbers the first."""
    return (frame(event, *batch.lines, seq=batch.from_seq),)
