"""What can be wrong with an egg file.

EggError
    EggTooLarge         more bytes than an egg may have
    EggUnreadable       neither a JSON nor a YAML mapping, or one built to exhaust its reader
    EggVersionUnknown   `meta.version` is missing or names a format nobody here knows
    EggInvalid          readable, but fields of it are wrong
"""

from collections.abc import Mapping, Sequence

WHOLE_FILE = "egg"
"""The field named when the trouble is the file itself, not one of its fields."""


class EggError(ValueError):
    """An egg file cannot be used.

    Attributes:
        fields: Dotted path of each wrong field, with what is wrong about it, in English.
    """

    def __init__(self, message: str, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.fields: dict[str, list[str]] = {
            path: list(found) for path, found in (fields or {WHOLE_FILE: [message]}).items()
        }


class EggTooLarge(EggError):
    """The file holds more bytes than an egg may have."""


class EggUnreadable(EggError):
    """The file is neither a JSON nor a YAML mapping within the limits."""


class EggVersionUnknown(EggError):
    """`meta.version` is missing or unknown."""

    def __init__(self, message: str) -> None:
        super().__init__(message, {"meta.version": [message]})


class EggInvalid(EggError):
    """The file is readable, but fields of it are wrong."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        first, messages = next(iter(fields.items()))
        super().__init__(f"{first}: {messages[0]}", fields)
