"""Forms from the same pydantic models as the API: fields for the `form` macro, and what was typed when it was wrong."""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import available_timezones

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, EmailStr, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from muntin.translation import LANGUAGES

Field = dict[str, Any]
ABBREVIATIONS = frozenset({"http", "https", "tls", "starttls", "smtp", "tcp", "udp", "json", "yaml", "utc"})
EXTRAS = ("unit", "kind", "section", "danger", "rows", "language", "placeholder", "autocomplete", "options", "short")


def fields(
    model: type[BaseModel],
    values: Mapping[str, Any] | BaseModel | None = None,
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    more: Mapping[str, Field] | None = None,
) -> list[Field]:
    """The fields of a form for a model.

    Title and description of a pydantic field become label and help; `json_schema_extra` may set what
    `EXTRAS` names.

    Args:
        values: What stands in the fields: the stored values, or what was typed.
        errors: Field -> messages, as in `InvalidInput.fields`.
        only, without: Names to show, or to leave out.
        more: Field -> attributes that win, such as the options of a select.
    """
    known = values.model_dump() if isinstance(values, BaseModel) else values or {}
    names = [name for name in (only or model.model_fields) if name not in without]
    return [
        _field(name, model.model_fields[name], known, (errors or {}).get(name, ())) | (more or {}).get(name, {})
        for name in names
    ]


@cache
def time_zones() -> tuple[str, ...]:
    """Names of time zones, offered while somebody types one."""
    return tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def languages(chosen: str = "") -> list[tuple[str, str]]:
    """Options of a select of languages; one that was chosen elsewhere and that there are no texts in stays chosen."""
    known = list(LANGUAGES.items())
    return known if not chosen or chosen in LANGUAGES else [*known, (chosen, chosen)]


def without_choice() -> tuple[str, ...]:
    """Fields to leave out of forms while there is nothing to choose from."""
    return ("language",) if len(LANGUAGES) < 2 else ()


def read(model: type[BaseModel], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What a browser sent as input for the model.

    A switch that is off is absent from a form; empty text of an optional field is nothing; a list comes
    as text with commas; an untouched secret is absent and stays as it is.
    """
    values: dict[str, Any] = {name: value for name, value in typed.items() if name not in model.model_fields}
    for name, info in model.model_fields.items():
        kind, optional = unwrapped(info.annotation)
        if kind is bool:
            values[name] = typed.get(name) in ("true", "on", "1")
        elif name in typed:
            values.update(_read_one(name, typed[name], kind, optional))
    return values


def _read_one(name: str, value: Any, kind: Any, optional: bool) -> dict[str, Any]:
    if value == "" and optional:
        return {name: None}
    if value == "" and kind in (int, float, SecretStr):
        return {}  # nothing typed: the default, or the model says that it is missing
    if _is_list(kind) and isinstance(value, str):
        return {name: _listed(value)}
    return {name: value}


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def unwrapped(annotation: Any) -> tuple[Any, bool]:
    """The type without `Annotated` and `None`, and whether `None` was among its choices."""
    if get_origin(annotation) is Annotated:
        return unwrapped(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [one for one in get_args(annotation) if one is not type(None)]
        return unwrapped(inner[0])[0], len(inner) < len(get_args(annotation))
    return annotation, False


def _field(name: str, info: FieldInfo, values: Mapping[str, Any], errors: Sequence[str]) -> Field:
    kind, optional = unwrapped(info.annotation)
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    field: Field = {
        "name": name,
        "label": info.title or name.replace("_", " ").capitalize(),
        "help": info.description or "",
        "value": _value(name, info, values),
        "errors": list(errors),
        "required": info.is_required() and not optional,
        "kind": _kind(kind),
        **_bounds(info),
        **{key: extra[key] for key in EXTRAS if key in extra},
    }
    if kind is SecretStr:
        field |= {"kind": "secret", "is_set": bool(values.get(name)), "value": None}
    if "options" not in field and (options := _options(kind)):
        field |= {"kind": "select", "options": options}
    return field


def _value(name: str, info: FieldInfo, values: Mapping[str, Any]) -> Any:
    value = values.get(name, info.get_default(call_default_factory=True))
    if value is PydanticUndefined:
        return None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, str) and _is_list(unwrapped(info.annotation)[0]):
        return _listed(value)  # as it was typed: one choice of several, or words with commas
    return value.value if isinstance(value, enum.Enum) else value


def _kind(kind: Any) -> str:
    if kind is bool:
        return "switch"
    if kind is EmailStr:
        return "email"
    if kind is datetime:
        return "datetime"
    if _is_list(kind):
        return "tags"
    return "number" if kind in (int, float) else "text"


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, tuple, set, frozenset)


def _options(kind: Any) -> list[tuple[str, str]]:
    if get_origin(kind) is Literal:
        return [(str(one), _words(str(one))) for one in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [(str(one.value), _words(one.name)) for one in kind]
    return []


def _words(choice: str) -> str:
    """A choice as people read it: `on_failure` is "On failure", `https` is "HTTPS"."""
    return choice.upper() if choice.lower() in ABBREVIATIONS else choice.replace("_", " ").capitalize()


def _bounds(info: FieldInfo) -> Field:
    bounds: Field = {}
    for rule in info.metadata:
        match rule:
            case Ge(ge=bound) | Gt(gt=bound):
                bounds["min"] = bound
            case Le(le=bound) | Lt(lt=bound):
                bounds["max"] = bound
            case MinLen(min_length=length) if length:
                bounds["min"] = length
            case MaxLen(max_length=length):
                bounds["max"] = length
    return bounds
