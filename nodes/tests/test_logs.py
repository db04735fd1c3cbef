from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable

import pytest

from muntin_node import logs
from muntin_node.logs import redacted
from muntin_node.loopwatch import LoopWatch

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
        ("GET /download/file?token=abc&x=1", "GET /download/file?token=[secret]&x=1"),
        (f"got {JWT} from", "got [secret] from"),
        ("the canary-1 sits here", "the [secret] sits here"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_are_taken_out(text: str, wanted: str) -> None:
    assert redacted(text, ["canary-1", ""]) == wanted


def test_a_log_line_is_one_json_object_and_tracebacks_hide_secrets_too() -> None:
    formatter = logs._JsonLines(lambda: ["canary-1"])
    try:
        raise ValueError("canary-1\nsecond line")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "a %s", ("canary-1",), (ValueError, error, None))

    line = formatter.format(record)

    fields = json.loads(line)
    assert "\n" not in line
    assert (fields["level"], fields["message"]) == ("error", "a [secret]")
    assert "canary" not in line
    assert logs.recent_lines(1) == [line[:2_000]]


def stall() -> None:
    time.sleep(1.0)


async def test_a_stalled_loop_is_noticed_and_the_culprit_named(
    caplog: pytest.LogCaptureFixture, eventually: Callable[..., Awaitable[None]]
) -> None:
    watch = LoopWatch(limit_s=0.1)
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(0.05)

    stall()
    await eventually(lambda: "time.sleep(1.0)" in caplog.text)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert watch.stalls >= 1  # more where the machine itself stalls
