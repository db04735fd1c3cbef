"""One rule, and the values it is checked against."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from muntin_gameservers.eggs.rules.numbers import as_number
from muntin_gameservers.eggs.rules.splitting import split_rules

_UNSPLIT: Final = frozenset({"regex", "not_regex"})
_ALIASES: Final = {"int": "integer", "bool": "boolean"}  # Laravel knows these two by both names
_NUMERIC: Final = frozenset({"numeric", "integer", "decimal"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it stands in an egg: `between:3,15` has the name `between` and the parameters ("3", "15")."""

    name: str
    parameters: tuple[str, ...] = ()
    text: str = ""  # as written


@dataclass(frozen=True, slots=True)
class Subject:
    """The value a rule looks at, with all it may need to know of its surroundings."""

    text: str  # as it will be stored; empty when not sent
    is_sent: bool
    is_number: bool  # the rules speak of a number, so that sizes are values and not lengths
    others: Mapping[str, str]  # every value sent, as text, by variable

    @property
    def is_empty(self) -> bool:
        """Whether nothing but blanks was sent."""
        return not self.text.strip()

    @property
    def size(self) -> Decimal:
        """The value of a number, the length in characters of a text."""
        number = as_number(self.text) if self.is_number else None
        return Decimal(len(self.text)) if number is None else number


def parse_rules(rules: str | Sequence[str]) -> tuple[Rule, ...]:
    """The rules of a variable, from one line or a list. Unknown ones are kept like any other."""
    texts = split_rules(rules) if isinstance(rules, str) else tuple(each for each in rules if each.strip())
    return tuple(_parse(text) for text in texts)


def speak_of_number(rules: Sequence[Rule]) -> bool:
    """Whether sizes in these rules are values rather than lengths."""
    return any(rule.name in _NUMERIC for rule in rules)


def _parse(text: str) -> Rule:
    name, colon, rest = text.strip().partition(":")
    name = name.strip().lower()
    name = _ALIASES.get(name, name)
    if not colon:
        return Rule(name, (), text)
    return Rule(name, (rest,) if name in _UNSPLIT else _parameters(rest), text)


def _parameters(text: str) -> tuple[str, ...]:
    """Comma-separated parameters; one in double quotes may hold commas."""
    try:
        return tuple(next(csv.reader([text]), [""]))
    except csv.Error:  # a line break outside quotes
        return tuple(text.split(","))
