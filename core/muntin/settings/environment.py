"""Settings that the environment decides; people see them but cannot change them.

`MUNTIN_SETTING__<SECTION>__<FIELD>` sets any field of any section (JSON, or plain text), `MUNTIN_URL` the address and
`MUNTIN_SMTP_URL` how mail leaves: `smtps://user:password@host:465`, `smtp://host:587` (STARTTLS) or
`smtp://host:25?encryption=none`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from muntin.configuration import Configuration

PREFIX = "MUNTIN_SETTING__"


@dataclass(frozen=True, slots=True)
class Override:
    """A value from outside and the name of the variable that gives it."""

    value: object
    variable: str


Overrides = Mapping[str, Mapping[str, Override]]
"""Section -> field -> override."""


def overrides(configuration: Configuration, environment: Mapping[str, str]) -> Overrides:
    """Everything the environment decides.

    Raises:
        ValueError: `MUNTIN_SMTP_URL` is not an address of a mail server.
    """
    found: dict[str, dict[str, Override]] = {}
    if configuration.url:
        found["general"] = {"url": Override(configuration.url, "MUNTIN_URL")}
    if configuration.smtp_url is not None:
        values = read_smtp_url(configuration.smtp_url.get_secret_value())
        found["mail"] = {field: Override(value, "MUNTIN_SMTP_URL") for field, value in values.items()}
    for variable, text in environment.items():
        section, separator, field = variable.upper().removeprefix(PREFIX).partition("__")
        if variable.upper().startswith(PREFIX) and separator:
            found.setdefault(section.lower(), {})[field.lower()] = Override(_read(text), variable)
    return found


def read_smtp_url(url: str) -> dict[str, object]:
    """The fields of the mail section that the address decides.

    Raises:
        ValueError: It is not such an address; the message does not repeat it, since it holds a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("MUNTIN_SMTP_URL must look like smtps://user:password@mail.example.org:465")
    encryption = "tls" if parts.scheme == "smtps" else "starttls"
    return {
        "driver": "smtp",
        "host": parts.hostname,
        "port": parts.port or (465 if encryption == "tls" else 587),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password) if parts.password else None,
        "encryption": parse_qs(parts.query).get("encryption", [encryption])[0],
    }


def _read(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
