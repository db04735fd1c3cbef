"""Checks the values of variables against their rules, as Laravel would."""

from collections.abc import Iterator, Mapping, Sequence

from muntin_gameservers.eggs.json_values import Json
from muntin_gameservers.eggs.rules.numbers import as_number
from muntin_gameservers.eggs.rules.patterns import is_usable
from muntin_gameservers.eggs.rules.presence_tests import FLOW_RULES, PRESENCE_TESTS
from muntin_gameservers.eggs.rules.rule import Rule, Subject, parse_rules, speak_of_number
from muntin_gameservers.eggs.rules.value_tests import VALUE_TESTS, ValueTest

NOT_A_TEXT = "Must be a text, a number or a truth value."
_SIZES = frozenset({"min", "max", "size", "between"})


def check(variables: Mapping[str, str | Sequence[str]], values: Mapping[str, Json]) -> dict[str, list[str]]:
    """What is wrong with submitted values, by variable; empty when all is well.

    Args:
        variables: The rules of each variable, as one line or a list.
        values: What was sent. A variable that is not among them was not sent.

    Unknown rules are passed over; `unknown_rules` names them.
    """
    parsed = {name: parse_rules(rules) for name, rules in variables.items()}
    texts = {name: _stored(value, parsed.get(name, ())) for name, value in values.items()}
    found: dict[str, list[str]] = {}
    for name, rules in parsed.items():
        if isinstance(values.get(name), list | dict):
            found[name] = [NOT_A_TEXT]
            continue
        messages = list(_messages(rules, _subject(name, rules, texts)))
        if messages:
            found[name] = messages
    return found


def value_text(value: Json, rules: str | Sequence[str] = ()) -> str:
    """The text a submitted value is stored as.

    A JSON truth value becomes 1 or 0, unless the rules list `true` and `false` as the texts they want.
    """
    return _stored(value, parse_rules(rules))


def unknown_rules(rules: str | Sequence[str]) -> tuple[str, ...]:
    """The rules, as written, that are not checked: unknown names, missing parameters, patterns we cannot try."""
    return tuple(rule.text for rule in parse_rules(rules) if rule.name not in FLOW_RULES and _test(rule) is None)


def _stored(value: Json, rules: Sequence[Rule]) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    if not isinstance(value, bool):
        return str(value)
    wanted = "true" if value else "false"
    choices = [choice for rule in rules if rule.name == "in" for choice in rule.parameters]
    return next((choice for choice in choices if choice.lower() == wanted), "1" if value else "0")


def _subject(name: str, rules: Sequence[Rule], texts: Mapping[str, str]) -> Subject:
    return Subject(texts.get(name, ""), name in texts, speak_of_number(rules), texts)


def _messages(rules: Sequence[Rule], subject: Subject) -> Iterator[str]:
    """Say what is wrong, rule by rule. A value that is missing is told once, and `bail` ends at the first fault."""
    names = {rule.name for rule in rules}
    if "sometimes" in names and not subject.is_sent:
        return
    for rule in rules:
        is_presence = rule.name in PRESENCE_TESTS
        test = _test(rule)
        if test is None or (subject.is_empty and not is_presence):
            continue
        if not test.holds(subject, rule.parameters):
            yield _message(test, rule, subject)
            if is_presence or "bail" in names:
                return


def _test(rule: Rule) -> ValueTest | None:
    """The test of a rule; None when it is unknown or cannot be applied as it stands."""
    test = VALUE_TESTS.get(rule.name) or PRESENCE_TESTS.get(rule.name)
    if test is None or len(rule.parameters) < test.parameters:
        return None
    if test.numbers and any(as_number(each) is None for each in rule.parameters):
        return None
    if rule.name in ("regex", "not_regex") and not is_usable(rule.parameters[0]):
        return None
    return test


def _message(test: ValueTest, rule: Rule, subject: Subject) -> str:
    counts_characters = rule.name in _SIZES and not (subject.is_number and as_number(subject.text) is not None)
    unit = " characters" if counts_characters else ""
    return test.message.format(*rule.parameters, all=", ".join(rule.parameters), unit=unit)
