"""Texts in a usual format: addresses, dates, identifiers."""

import ipaddress
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from muntin_gameservers.eggs.errors import EggUnreadable
from muntin_gameservers.eggs.parsing import parse_json

LONGEST_URL: Final = 4096
_UUID: Final = re.compile(r"[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}", re.IGNORECASE | re.ASCII)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE | re.ASCII)
_LABEL: Final = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_MAILBOX: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_DATE_FORMATS: Final = (
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d %B %Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%b %d, %Y",
)


def is_ip(text: str, version: int | None = None) -> bool:
    """Whether a text is an IP address, of version 4 or 6 if asked; a zone (`%eth0`) is none of it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text and version in (None, address.version)


def is_url(text: str, schemes: Sequence[str] = ()) -> bool:
    """Whether a text is an absolute URL with a host, of one of the schemes if any are named."""
    if len(text) > LONGEST_URL or any(char.isspace() or ord(char) < 33 for char in text) or "://" not in text:
        return False
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises ValueError when the port is no number
    except ValueError:
        return False
    wanted = not schemes or parts.scheme in schemes
    return wanted and _SCHEME.fullmatch(parts.scheme) is not None and _is_host(parts.hostname or "")


def is_email(text: str) -> bool:
    """Whether a text looks like one e-mail address: a mailbox, @, and a host name or bracketed IP address."""
    mailbox, at, host = text.rpartition("@")
    if not at or len(mailbox) > 64 or len(text) > 254:
        return False
    bracketed = host.startswith("[") and host.endswith("]")
    host_is_right = is_ip(host[1:-1].removeprefix("IPv6:")) if bracketed else _is_host(host) and not is_ip(host)
    return host_is_right and _MAILBOX.fullmatch(mailbox) is not None


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID with its four dashes."""
    return _UUID.fullmatch(text) is not None


def is_json(text: str) -> bool:
    """Whether a text is one JSON value."""
    try:
        parse_json(text)
    except EggUnreadable:
        return False
    return True


def is_date(text: str) -> bool:
    """Whether a text is a date or a point in time: ISO 8601, RFC 2822, and the usual ways with / . and month names."""
    text = text.strip()
    if len(text) > 64:
        return False
    parsers = (datetime.fromisoformat, parsedate_to_datetime, *(_by(form) for form in _DATE_FORMATS))
    return any(_parses(text, parse) for parse in parsers)


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def is_timezone(text: str) -> bool:
    """Whether a text names a time zone, such as `Europe/Berlin`."""
    return text in _timezones()


def consists_of(text: str, kinds: str, also: str = "") -> bool:
    """Whether each character is of a Unicode kind whose letter is in `kinds` (L, M, N …) or one of `also`."""
    return all(char in also or unicodedata.category(char)[0] in kinds for char in text)


def _is_host(host: str) -> bool:
    if not host or len(host) > 253:
        return False
    return is_ip(host) or all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))


def _parses(text: str, parse: Callable[[str], object]) -> bool:
    try:
        parse(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # the e-mail parser raises all of these
        return False
    return True


def _by(form: str) -> Callable[[str], object]:
    return lambda text: datetime.strptime(text, form)  # noqa: DTZ007 - only whether it is one counts
