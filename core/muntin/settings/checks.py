"""What fields of sections have in common; each refuses with a sentence a person can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_network
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from muntin.translation import _

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z")


def web_address(value: str) -> str:
    """An http(s) address without a trailing slash, or nothing at all."""
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(_("Give an address such as https://panel.example.org."))
    return value.rstrip("/")


def language_tag(value: str) -> str:
    """A language tag (RFC 5646 in form)."""
    if len(value) > 35 or not _TAG.match(value):
        raise ValueError(_("Give a language tag such as en or pt-BR."))
    return value


def time_zone(value: str) -> str:
    """A name of the time zone database."""
    if value not in _time_zones():
        raise ValueError(_("Give a time zone such as Europe/Berlin."))
    return value


def networks(values: Sequence[str]) -> list[str]:
    """Addresses and networks in their usual form, each once."""
    try:
        return list(dict.fromkeys(str(ip_network(one, strict=False)) for one in values))
    except ValueError:
        raise ValueError(_("Give networks such as 192.0.2.0/24 or 2001:db8::/32.")) from None


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    """Read once: the system keeps them in hundreds of files."""
    return frozenset(available_timezones())
