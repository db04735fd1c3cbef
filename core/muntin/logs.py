"""Structured logs: one line an event, as text or JSON, each with the id of the request it belongs to."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

_request_id: ContextVar[str] = ContextVar("muntin_request_id", default="")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@contextmanager
def request_context(request_id: str) -> Iterator[None]:
    """Mark every line logged inside as belonging to the request."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def current_request_id() -> str:
    """The id of the request being served, empty outside of one."""
    return _request_id.get()


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, process, request_id, extras, error."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": self._process,
        }
        if request_id := _request_id.get():
            line["request_id"] = request_id
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextLines(logging.Formatter):
    """For people: time, level, process, logger, message, and the request id at the end."""

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {process} %(name)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        request_id = _request_id.get()
        return f"{text} [{request_id}]" if request_id else text


def configure(log_format: Literal["text", "json"], process: str, level: int = logging.INFO) -> None:
    """Send everything logged in this process to standard error in the chosen form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process) if log_format == "json" else TextLines(process))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "hypercorn.access", "tortoise", "websockets"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
