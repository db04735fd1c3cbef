"""An egg's variables as fields of a form, and what a form sent as an environment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from muntin.call import Call
from muntin.errors import InvalidInput
from muntin.pages import forms
from muntin.pages.submitting import Done, Problems, submit
from muntin_gameservers.eggs.rules import hint
from muntin_gameservers.nests.schemas import EggVariable

PREFIX = "environment."
Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")


def variable_fields(
    variables: Iterable[EggVariable],
    values: Mapping[str, str],
    problems: Problems,
    *,
    may_change: Callable[[EggVariable], bool] = lambda one: True,
    section: str = "",
) -> list[forms.Field]:
    """One field for each variable, of the kind that suits its rules.

    Args:
        values: Variable -> its value; what was typed wins.
        may_change: The others are shown and cannot be typed into.
    """
    return [
        _field(one, values, problems) | ({"section": section} if section else {}) | _locked(may_change(one))
        for one in variables
    ]


def _field(one: EggVariable, values: Mapping[str, str], problems: Problems) -> forms.Field:
    suited, name = hint(one.rules), PREFIX + one.env_variable
    stored = values.get(one.env_variable, one.default_value)
    value: Any = problems.typed.get(name, stored)
    if suited.kind == "switch":
        value = name in problems.typed if problems.typed else stored == suited.options[1]
    return {
        "name": name,
        "label": one.name,
        "help": one.description,
        "kind": suited.kind,
        "value": value,
        "options": [(option, option) for option in suited.options],
        "min": suited.min,
        "max": suited.max,
        "step": 1 if "integer" in one.rules else None,
        "required": suited.is_required,
        "errors": problems.fields.get(name, []),
    }


def _locked(may_change: bool) -> forms.Field:
    return {} if may_change else {"readonly": True, "disabled": True, "required": False}


def typed_environment(variables: Iterable[EggVariable], sent: Mapping[str, Any]) -> dict[str, str]:
    """Variable -> value, as a form sent them; a switch says on and off in the words of its rules."""
    environment: dict[str, str] = {}
    for one in variables:
        name, suited = PREFIX + one.env_variable, hint(one.rules)
        if suited.kind == "switch":
            environment[one.env_variable] = suited.options[1 if name in sent else 0]
        elif name in sent:
            environment[one.env_variable] = str(sent[name])
    return environment


async def submit_variables(
    call: Call, model: type[Model], act: Callable[[Model], Awaitable[T]], values: Mapping[str, Any]
) -> Done[T] | Problems:
    """`submit`, with the messages of variables at their own fields."""
    refused: dict[str, Sequence[str]] = {}

    async def watched(wanted: Model) -> T:
        try:
            return await act(wanted)
        except InvalidInput as error:
            refused.update({name: said for name, said in error.fields.items() if name.startswith(PREFIX)})
            raise

    done = await submit(call, model, watched, values=values)
    if isinstance(done, Done) or not refused:
        return done
    others = {name: said for name, said in done.fields.items() if name != PREFIX.rstrip(".")}
    return replace(done, fields={**others, **refused})
