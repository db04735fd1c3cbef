"""Logging of the agent: text or JSON lines on standard error, with secrets taken out before anything is written."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

KEPT_LINES = 500
SECRETS = re.compile(r"(?i)(bearer\s+|[?&]token=)[^\s\"'&]+|eyJ[\w-]{8,}\.[\w-]+\.[\w-]+")
_recent: deque[str] = deque(maxlen=KEPT_LINES)


def configure_logging(*, as_json: bool, debug: bool, secrets: Callable[[], Iterable[str]]) -> None:
    """Set up the root logger.

    Args:
        secrets: The strings that must never be written, as they are now (they rotate).
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(secrets) if as_json else _TextLines(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for noisy in ("httpx", "httpcore", "websockets", "asyncio", "hypercorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def recent_lines(count: int) -> list[str]:
    """The last lines that were written, oldest first; at most 500."""
    return list(_recent)[-count:]


class _TextLines(logging.Formatter):
    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return _kept(redacted(super().format(record), self._secrets()))


class _JsonLines(logging.Formatter):
    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage(), self._secrets()),
        }
        if record.exc_info:
            fields["traceback"] = redacted(self.formatException(record.exc_info), self._secrets())
        return _kept(json.dumps(fields))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without bearer values, tokens in queries, JWTs and the given strings."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    return SECRETS.sub(lambda match: f"{match.group(1) or ''}[secret]", text)


def _kept(line: str) -> str:
    _recent.append(line[:2_000])
    return line
