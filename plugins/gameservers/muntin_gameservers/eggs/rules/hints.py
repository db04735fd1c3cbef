"""What a form can tell from the rules of a variable: which kind of field suits it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from muntin_gameservers.eggs.rules.numbers import as_number
from muntin_gameservers.eggs.rules.rule import Rule, parse_rules, speak_of_number

_SWITCHES: Final = ({"0", "1"}, {"true", "false"})
_OFF: Final = ("0", "false")
_LOWER: Final = frozenset({"min", "between", "gte", "size"})
_UPPER: Final = frozenset({"max", "between", "lte", "size"})


@dataclass(frozen=True, slots=True)
class FieldHint:
    """The kind of field for a variable.

    Attributes:
        kind: `switch` has two options, the text for off and the one for on; `select` has the texts to choose from.
        min, max: Bounds of the value for `number`, of the length in characters for `text`; None where unbounded.
        is_required: The field must not be left empty.
    """

    kind: Literal["switch", "select", "number", "text"]
    options: tuple[str, ...] = ()
    min: int | float | None = None
    max: int | float | None = None
    is_required: bool = False


def hint(rules: str | Sequence[str]) -> FieldHint:
    """The field that suits a variable with these rules."""
    parsed = parse_rules(rules)
    names = {rule.name for rule in parsed}
    required = "required" in names
    options = next((rule.parameters for rule in parsed if rule.name == "in"), ())
    if {each.lower() for each in options} in _SWITCHES:
        return FieldHint(
            "switch", tuple(sorted(options, key=lambda each: each.lower() not in _OFF)), is_required=required
        )
    if options:
        return FieldHint("select", options, is_required=required)
    if "boolean" in names:
        return FieldHint("switch", ("0", "1"), is_required=required)
    is_number = speak_of_number(parsed)
    lower, upper = _bound(parsed, _LOWER, 0), _bound(parsed, _UPPER, -1)
    if is_number and any(rule.name == "gt" for rule in parsed) and "integer" in names:
        lower = lower if lower is not None else _above(parsed)
    return FieldHint("number" if is_number else "text", (), lower, upper, required)


def _bound(rules: Sequence[Rule], names: frozenset[str], which: int) -> int | float | None:
    """The first bound among rules of these names; `which` of the parameters of `between` holds it."""
    for rule in rules:
        number = as_number(rule.parameters[which]) if rule.name in names and rule.parameters else None
        if number is not None:
            return _plain(number)
    return None


def _above(rules: Sequence[Rule]) -> int | float | None:
    """The least whole number that `gt` lets pass."""
    limit = _bound(rules, frozenset({"gt"}), 0)
    return None if limit is None else int(limit // 1) + 1


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)
