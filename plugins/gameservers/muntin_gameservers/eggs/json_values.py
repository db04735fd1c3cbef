"""Values as JSON knows them, and what may stand in an egg at all."""

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Final, TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
JsonMap: TypeAlias = Mapping[str, Json]
Path: TypeAlias = tuple[str | int, ...]

MAX_DEPTH: Final = 20
MAX_VALUES: Final = 50_000
INT64: Final = range(-(2**63), 2**63)


class Missing:
    """Stands where a document has no such key."""

    __slots__ = ()


MISSING: Final = Missing()


def dotted(path: Path) -> str:
    """`("variables", 0, "rules")` -> `variables.0.rules`."""
    return ".".join(str(part) for part in path)


def digest(value: Json | Missing) -> str:
    """A short mark that two values share only when they are the same value of the same type."""
    text = "" if isinstance(value, Missing) else json.dumps(value, sort_keys=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def same(one: Json | Missing, other: Json | Missing) -> bool:
    """Whether two values are equal and of equal type all the way down: 1 is not true, and 1.0 is not 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def faults(document: Json) -> Iterator[tuple[str, str]]:
    """Dotted path and message of each value no store can hold or no reader should follow.

    Ends at the first excess of depth or count, so that the walk itself stays bounded.
    """
    pending: list[tuple[Path, Json]] = [((), document)]
    seen = 0
    while pending:
        path, value = pending.pop()
        seen += 1
        if len(path) > MAX_DEPTH or seen > MAX_VALUES:
            yield dotted(path), f"Nested deeper than {MAX_DEPTH} levels, or more than {MAX_VALUES} values."
            return
        message = _fault(value)
        if message:
            yield dotted(path), message
        pending.extend(_children(path, value))


def _children(path: Path, value: Json) -> Iterator[tuple[Path, Json]]:
    if isinstance(value, dict):
        for key, child in value.items():
            # The key is walked as a text of its own: what a value may not hold, a key may not either.
            yield (*path, repr(key)), key
            yield (*path, key), child
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield (*path, index), child


def _fault(value: Json) -> str | None:
    if isinstance(value, str):
        if "\0" in value:
            return "Holds a NUL character."
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            return "Holds half of a surrogate pair, which is no character."
    if isinstance(value, int) and value not in INT64:
        return "The number needs more than 64 bits."
    if isinstance(value, float) and value - value != 0:
        return "Not a finite number."
    return None
