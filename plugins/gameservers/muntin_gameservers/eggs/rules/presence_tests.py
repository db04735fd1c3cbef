"""The rules that also look at a value which is empty or was not sent."""

from collections.abc import Callable, Mapping
from typing import Final

from muntin_gameservers.eggs.rules.rule import Subject
from muntin_gameservers.eggs.rules.value_tests import Parameters, Test, ValueTest

_ACCEPTED: Final = frozenset({"yes", "on", "1", "true"})
_DECLINED: Final = frozenset({"no", "off", "0", "false"})
FLOW_RULES: Final = frozenset({"nullable", "sometimes", "bail"})  # steer the checking, test nothing themselves


def _is_given(subject: Subject, name: str) -> bool:
    return bool(subject.others.get(name, "").strip())


def _required_when(condition: Callable[[Subject, Parameters], bool]) -> Test:
    return lambda subject, parameters: not subject.is_empty or not condition(subject, parameters)


def _other_is(subject: Subject, parameters: Parameters) -> bool:
    return subject.others.get(parameters[0], "") in parameters[1:]


def _other_is_not(subject: Subject, parameters: Parameters) -> bool:
    return not _other_is(subject, parameters)


def _any_given(subject: Subject, names: Parameters) -> bool:
    return any(_is_given(subject, name) for name in names)


def _all_given(subject: Subject, names: Parameters) -> bool:
    return all(_is_given(subject, name) for name in names)


_REQUIRED: Final = "Must be given."

PRESENCE_TESTS: Final[Mapping[str, ValueTest]] = {
    "required": ValueTest(lambda subject, _: not subject.is_empty, _REQUIRED),
    "filled": ValueTest(lambda subject, _: not (subject.is_sent and subject.is_empty), "Must not be empty."),
    "present": ValueTest(lambda subject, _: subject.is_sent, "Must be sent, if only empty."),
    "accepted": ValueTest(lambda subject, _: subject.text in _ACCEPTED, "Must be accepted."),
    "declined": ValueTest(lambda subject, _: subject.text in _DECLINED, "Must be declined."),
    "required_if": ValueTest(_required_when(_other_is), _REQUIRED, 2),
    "required_unless": ValueTest(_required_when(_other_is_not), _REQUIRED, 2),
    "required_with": ValueTest(_required_when(_any_given), _REQUIRED, 1),
    "required_with_all": ValueTest(_required_when(_all_given), _REQUIRED, 1),
    "required_without": ValueTest(_required_when(lambda subject, names: not _all_given(subject, names)), _REQUIRED, 1),
    "required_without_all": ValueTest(
        _required_when(lambda subject, names: not _any_given(subject, names)), _REQUIRED, 1
    ),
}
