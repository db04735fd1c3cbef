"""YAML as egg files use it, read event by event so that no file can make its reader grow.

Scalars are read as YAML 1.2 has them (`yes` and `0755` are texts), because that is what panels write. A number stays
a text unless writing the number gives the same characters again: `1.10` is a version, not 1.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from muntin_gameservers.eggs.errors import EggUnreadable
from muntin_gameservers.eggs.json_values import INT64, MAX_DEPTH, MAX_VALUES, Json

MAX_ANCHORS: Final = 16
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_FLOAT: Final = re.compile(r"-?[0-9]{1,17}\.[0-9]{1,17}(e[+-][0-9]{1,3})?")
_CONSTANTS: Final[dict[str, Json]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TEXT_TAG: Final = "tag:yaml.org,2002:str"


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been reached."""

    value: list[Json] | dict[str, Json]
    key: str | None = field(default=None)  # of a mapping: the key whose value comes next


def parse_yaml(text: str) -> Json:
    """The one document of a YAML text.

    Raises:
        EggUnreadable: Not YAML, more than one document, an alias, a tag of another language, too deep or too much.
    """
    try:
        return _build(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise EggUnreadable(f"Not readable as YAML{place}: {getattr(error, 'problem', None) or 'bad text'}.") from error


def _build(events: Iterator[Any]) -> Json:
    root: list[Json] = []
    stack = [_Open(root)]
    anchors = 0
    for count, event in enumerate(events, start=1):
        anchors += getattr(event, "anchor", None) is not None
        _refuse_excess(event, count, anchors, len(stack))
        if isinstance(event, yaml.ScalarEvent):
            _put_scalar(stack[-1], event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            _refuse_tag(event)
            opened: list[Json] | dict[str, Json] = {} if isinstance(event, yaml.MappingStartEvent) else []
            _put(stack[-1], opened)
            stack.append(_Open(opened))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            stack.pop()
    if len(root) != 1:
        raise EggUnreadable("A YAML file must hold exactly one document.")
    return root[0]


def _refuse_excess(event: Any, count: int, anchors: int, depth: int) -> None:
    if isinstance(event, yaml.AliasEvent):
        raise EggUnreadable("YAML aliases (*name) are not accepted.")
    if anchors > MAX_ANCHORS:
        raise EggUnreadable(f"More than {MAX_ANCHORS} YAML anchors (&name).")
    if depth > MAX_DEPTH + 1:
        raise EggUnreadable(f"Nested deeper than {MAX_DEPTH} levels.")
    if count > 2 * MAX_VALUES:
        raise EggUnreadable(f"More than {MAX_VALUES} values.")


def _refuse_tag(event: Any) -> None:
    if event.tag not in (None, "!", _TEXT_TAG):
        raise EggUnreadable(f"The YAML tag {event.tag[:80]} is not accepted.")


def _put_scalar(parent: _Open, event: Any) -> None:
    _refuse_tag(event)
    if isinstance(parent.value, dict) and parent.key is None:
        parent.key = event.value
    else:
        is_plain = event.implicit[0] and event.tag is None
        _put(parent, _plain_value(event.value) if is_plain else event.value)


def _put(parent: _Open, value: Json) -> None:
    if isinstance(parent.value, list):
        parent.value.append(value)
    elif parent.key is None:
        raise EggUnreadable("A YAML key must be a text.")
    else:
        parent.value[parent.key] = value
        parent.key = None


def _plain_value(text: str) -> Json:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text) and text != "-0" and int(text) in INT64:
        return int(text)
    if _FLOAT.fullmatch(text) and float_text(float(text)) == text:
        return float(text)
    return text


def float_text(value: float) -> str:
    """A number as YAML writes it: always with a point, also before an exponent."""
    text = repr(value)
    return text.replace("e", ".0e", 1) if "e" in text and "." not in text else text
