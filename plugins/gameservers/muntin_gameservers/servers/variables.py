"""The variables of a server: completed from the egg's defaults, checked by the egg's rules."""

from __future__ import annotations

from collections.abc import Mapping

from muntin.errors import InvalidInput
from muntin.translation import _
from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.eggs.rules import check


def complete_environment(egg: EggDefinition, given: Mapping[str, str]) -> dict[str, str]:
    """Every variable of the egg with the given value, else its default.

    Raises:
        InvalidInput: A given variable is none of the egg's, or a value breaks its rules.
    """
    defaults = {one.env_variable: one.default_value for one in egg.variables}
    unknown = {f"environment.{name}": [_("This egg has no such variable.")] for name in given if name not in defaults}
    if unknown:
        raise InvalidInput(unknown)
    environment = {**defaults, **given}
    refuse_broken(egg, environment)
    return environment


def refuse_broken(egg: EggDefinition, environment: Mapping[str, str]) -> None:
    """Check all values by their rules.

    Raises:
        InvalidInput: Names the variables that break them.
    """
    rules = {one.env_variable: one.rules for one in egg.variables}
    broken = check(rules, environment)
    if broken:
        raise InvalidInput({f"environment.{name}": messages for name, messages in broken.items()})
