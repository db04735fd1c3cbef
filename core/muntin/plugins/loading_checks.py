"""Looking at what a hook answered before anything is done with it, so that a wrong value costs only its own plugin."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from werkzeug.routing import Map, Rule

from muntin.contributions import Cron, Dialect, Route, SettingsModel
from muntin.events import Event
from muntin.translation import _

PLAIN: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "Path": (Path,),
    "None": (type(None),),
}


def problem_of(contribution: Any) -> str:
    """What is wrong with a contribution, in words; empty when nothing is."""
    if isinstance(contribution, type):
        return "" if issubclass(contribution, Event) else _("{name} is not an event.", name=contribution.__name__)
    wrong = next(_wrong_fields(contribution), "") if dataclasses.is_dataclass(contribution) else ""
    if wrong:
        return wrong
    match contribution:
        case Route():
            return _of_route(contribution)
        case SettingsModel():
            return _of_settings(contribution)
        case Dialect():
            return _of_dialect(contribution)
        case Cron() if len(contribution.expression.split()) != 5:
            return _("The cron {name} needs five fields.", name=contribution.name)
    return ""


def _wrong_fields(contribution: Any) -> Iterator[str]:
    for field in dataclasses.fields(contribution):
        value = getattr(contribution, field.name)
        if not _fits(str(field.type), value):
            yield _(
                "{kind}.{field} is {value!r}, which is no {wanted}.",
                kind=type(contribution).__name__,
                field=field.name,
                value=value,
                wanted=field.type,
            )


def _fits(wanted: str, value: object) -> bool:
    """Whether the value is what the annotation says; annotations that are not plain are not looked at."""
    if wanted.startswith("Literal["):
        return value in ast.literal_eval(f"({wanted[8:-1]},)")
    if wanted.startswith("Callable[") or wanted == "Handler":
        return callable(value) or ("| None" in wanted and value is None)
    if wanted == "tuple[str, ...]":
        return isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    kinds = [PLAIN.get(part.strip()) for part in wanted.split("|")]
    return any(kind is None or isinstance(value, kind) for kind in kinds)


def _of_route(route: Route) -> str:
    rule = Rule(route.path, endpoint=route) if route.method == "WS" else Rule(route.path, methods=[route.method])
    return _refused(f"route {route.method} {route.path}", lambda: Map([rule]))


def _of_settings(settings: SettingsModel) -> str:
    if not (isinstance(settings.model, type) and issubclass(settings.model, BaseModel)):
        return _("The settings {section} have no pydantic model.", section=settings.section)
    return _refused(f"settings {settings.section}", settings.model)


def _of_dialect(dialect: Dialect) -> str:
    prefixes = getattr(dialect, "prefixes", None)
    if not isinstance(getattr(dialect, "name", None), str) or not isinstance(prefixes, tuple):
        return _("A dialect needs a name and prefixes.")
    wrong = [one for one in prefixes if not isinstance(one, str) or not one.startswith("/")]
    return _("{prefix!r} is no prefix of a path.", prefix=wrong[0]) if wrong else ""


def _refused(what: str, make: Callable[[], object]) -> str:
    try:
        make()
    except Exception as error:  # noqa: BLE001 - values of a plugin; whatever they cause is a finding
        return f"{what}: {type(error).__name__}: {error}"
    return ""
