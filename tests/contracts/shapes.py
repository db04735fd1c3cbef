"""What an answer is made of, compared with what `native.json` promises.

A shape is a name: `uuid`, `string`, `int`, `number`, `bool`, `datetime`, `object`, `null`, or that of an object of the
contract; `[X]` is a list of such, `X?` may be null, `=a|b` is one of these words. An object is given by its fields; one
whose name ends with `?` may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

Objects = Mapping[str, Mapping[str, Any]]
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


_PLAIN: Mapping[str, Callable[[Any], bool]] = {
    "uuid": _is_uuid,
    "string": lambda value: isinstance(value, str),
    "int": _is_int,
    "number": lambda value: _is_int(value) or isinstance(value, float),
    "bool": lambda value: isinstance(value, bool),
    "datetime": lambda value: isinstance(value, str) and _DATETIME.fullmatch(value) is not None,
    "object": lambda value: isinstance(value, dict),
}


def differences(value: Any, shape: Any, objects: Objects, more: Mapping[str, set[str]], at: str = "") -> Iterator[str]:
    """Where the value is not as the shape says, in words.

    Args:
        more: What the panel adds: object of the contract, or a field that holds a nameless one -> fields; a field
            that holds one of some words -> words.
    """
    if isinstance(shape, list):
        yield from _list(value, shape[0], objects, more, at)
    elif isinstance(shape, Mapping):
        yield from _fields(value, shape, objects, more, at, more.get(at.rpartition(".")[2], set()))
    elif shape is None:
        if value is not None:
            yield f"{at}: {value!r} where nothing was promised"
    else:
        yield from _named(value, shape, objects, more, at)


def _named(value: Any, shape: str, objects: Objects, more: Mapping[str, set[str]], at: str) -> Iterator[str]:
    if shape.endswith("?"):
        if value is None:
            return
        shape = shape[:-1]
    if shape.startswith("["):
        yield from _list(value, shape[1:-1], objects, more, at)
    elif shape.startswith("="):
        if _written(value) not in {*shape[1:].split("|"), *more.get(at.rpartition(".")[2], ())}:
            yield f"{at}: {value!r} is none of {shape[1:]}"
    elif shape in _PLAIN:
        if not _PLAIN[shape](value):
            yield f"{at}: {value!r} is no {shape}"
    else:
        yield from _fields(value, objects[shape], objects, more, at, more.get(shape.partition("+")[0], set()))


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(value: Any, item: Any, objects: Objects, more: Mapping[str, set[str]], at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at}: {value!r} is no list"
        return
    for index, one in enumerate(value):
        yield from differences(one, item, objects, more, f"{at}[{index}]")


def _fields(
    value: Any, shape: Mapping[str, Any], objects: Objects, more: Mapping[str, set[str]], at: str, added: set[str]
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    known = {name.removesuffix("?"): inner for name, inner in shape.items()}
    needed = {name for name in shape if not name.endswith("?")}
    yield from (f"{at}.{name} is missing" for name in sorted(needed - set(value)))
    yield from (f"{at}.{name} was not promised" for name in sorted(set(value) - set(known) - added))
    for name in sorted(set(value) & set(known)):
        yield from differences(value[name], known[name], objects, more, f"{at}.{name}")
