"""The rules that look at a value which is there: each a test, how many parameters it takes, and what it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from muntin_gameservers.eggs.rules import formats
from muntin_gameservers.eggs.rules.numbers import as_number, count_of_digits, decimal_places, is_integer, is_multiple
from muntin_gameservers.eggs.rules.patterns import matches
from muntin_gameservers.eggs.rules.rule import Subject

Parameters = tuple[str, ...]
Test = Callable[[Subject, Parameters], bool]
_BOOLEAN: Final = frozenset({"true", "false", "1", "0"})


@dataclass(frozen=True, slots=True)
class ValueTest:
    """A rule about a value: `holds` decides, `message` says what it asks for."""

    holds: Test
    message: str  # {0}, {1}: parameters; {all}: all of them; {unit}: " characters" where lengths are meant
    parameters: int = 0  # at least so many
    numbers: bool = False  # and they must be numbers


def _text(test: Callable[[str], bool]) -> Test:
    return lambda subject, _: test(subject.text)


def _size(compare: Callable[[Decimal, Decimal], bool]) -> Test:
    return lambda subject, parameters: compare(subject.size, Decimal(parameters[0]))


def _between(subject: Subject, parameters: Parameters) -> bool:
    return Decimal(parameters[0]) <= subject.size <= Decimal(parameters[1])


def _digits(subject: Subject, parameters: Parameters) -> bool:
    """Bounds on the count of digits: one parameter is both of them."""
    count = count_of_digits(subject.text)
    return count is not None and Decimal(parameters[0]) <= count <= Decimal(parameters[-1])


def _min_digits(subject: Subject, parameters: Parameters) -> bool:
    count = count_of_digits(subject.text)
    return count is not None and count >= Decimal(parameters[0])


def _max_digits(subject: Subject, parameters: Parameters) -> bool:
    count = count_of_digits(subject.text)
    return count is not None and count <= Decimal(parameters[0])


def _decimal(subject: Subject, parameters: Parameters) -> bool:
    places = decimal_places(subject.text)
    lowest, highest = Decimal(parameters[0]), Decimal(parameters[min(1, len(parameters) - 1)])
    return places is not None and lowest <= places <= highest


def _multiple_of(subject: Subject, parameters: Parameters) -> bool:
    number = as_number(subject.text)
    return number is not None and is_multiple(number, Decimal(parameters[0]))


def _compared(compare: Callable[[Decimal, Decimal], bool]) -> Test:
    """Compare with a number, or with another variable: numbers by value, texts by length."""

    def holds(subject: Subject, parameters: Parameters) -> bool:
        other = subject.others.get(parameters[0])
        number = as_number(subject.text)
        if other is None:
            limit = as_number(parameters[0])
            return limit is not None and compare(Decimal(len(subject.text)) if number is None else number, limit)
        other_number = as_number(other)
        if number is not None and other_number is not None:
            return compare(number, other_number)
        return number is other_number and compare(Decimal(len(subject.text)), Decimal(len(other)))

    return holds


def _regex(subject: Subject, parameters: Parameters) -> bool:
    return matches(parameters[0], subject.text) is True


def _not_regex(subject: Subject, parameters: Parameters) -> bool:
    return matches(parameters[0], subject.text) is False


def _characters(kinds: str, also: str = "") -> Test:
    def holds(subject: Subject, parameters: Parameters) -> bool:
        is_narrow = "ascii" not in parameters or subject.text.isascii()
        return is_narrow and formats.consists_of(subject.text, kinds, also)

    return holds


def _url(subject: Subject, parameters: Parameters) -> bool:
    return formats.is_url(subject.text, parameters)


VALUE_TESTS: Final[Mapping[str, ValueTest]] = {
    "string": ValueTest(lambda subject, _: True, "Must be a text."),  # everything is stored as text
    "numeric": ValueTest(_text(lambda text: as_number(text) is not None), "Must be a number."),
    "integer": ValueTest(_text(is_integer), "Must be a whole number."),
    "boolean": ValueTest(_text(lambda text: text in _BOOLEAN), "Must be true, false, 1 or 0."),
    "min": ValueTest(_size(Decimal.__ge__), "At least {0}{unit}.", 1, True),
    "max": ValueTest(_size(Decimal.__le__), "At most {0}{unit}.", 1, True),
    "size": ValueTest(_size(Decimal.__eq__), "Exactly {0}{unit}.", 1, True),
    "between": ValueTest(_between, "Between {0} and {1}{unit}.", 2, True),
    "digits": ValueTest(_digits, "Exactly {0} digits.", 1, True),
    "digits_between": ValueTest(_digits, "Between {0} and {1} digits.", 2, True),
    "min_digits": ValueTest(_min_digits, "At least {0} digits.", 1, True),
    "max_digits": ValueTest(_max_digits, "At most {0} digits.", 1, True),
    "in": ValueTest(lambda subject, parameters: subject.text in parameters, "Must be one of: {all}.", 1),
    "not_in": ValueTest(lambda subject, parameters: subject.text not in parameters, "Must not be one of: {all}.", 1),
    "regex": ValueTest(_regex, "Does not have the right form: {0}", 1),
    "not_regex": ValueTest(_not_regex, "Must not have the form: {0}", 1),
    "alpha": ValueTest(_characters("LM"), "Only letters."),
    "alpha_num": ValueTest(_characters("LMN"), "Only letters and digits."),
    "alpha_dash": ValueTest(_characters("LMN", "-_"), "Only letters, digits, dashes and underscores."),
    "url": ValueTest(_url, "Must be a URL."),
    # Laravel asks the name servers here; a check without network can only look at the form.
    "active_url": ValueTest(_url, "Must be a URL."),
    "ip": ValueTest(_text(formats.is_ip), "Must be an IP address."),
    "ipv4": ValueTest(_text(lambda text: formats.is_ip(text, 4)), "Must be an IPv4 address."),
    "ipv6": ValueTest(_text(lambda text: formats.is_ip(text, 6)), "Must be an IPv6 address."),
    "email": ValueTest(_text(formats.is_email), "Must be an e-mail address."),
    "uuid": ValueTest(_text(formats.is_uuid), "Must be a UUID."),
    "json": ValueTest(_text(formats.is_json), "Must be JSON."),
    "date": ValueTest(_text(formats.is_date), "Must be a date."),
    "timezone": ValueTest(_text(formats.is_timezone), "Must be a time zone."),
    "starts_with": ValueTest(lambda subject, texts: subject.text.startswith(texts), "Must begin with: {all}.", 1),
    "ends_with": ValueTest(lambda subject, texts: subject.text.endswith(texts), "Must end with: {all}.", 1),
    "doesnt_start_with": ValueTest(
        lambda subject, texts: not subject.text.startswith(texts), "Must not begin with: {all}.", 1
    ),
    "doesnt_end_with": ValueTest(
        lambda subject, texts: not subject.text.endswith(texts), "Must not end with: {all}.", 1
    ),
    "lowercase": ValueTest(_text(lambda text: text == text.lower()), "Must be in lower case."),
    "uppercase": ValueTest(_text(lambda text: text == text.upper()), "Must be in upper case."),
    "ascii": ValueTest(_text(str.isascii), "Only ASCII characters."),
    "gt": ValueTest(_compared(Decimal.__gt__), "Must be greater than {0}.", 1),
    "gte": ValueTest(_compared(Decimal.__ge__), "Must be {0} or greater.", 1),
    "lt": ValueTest(_compared(Decimal.__lt__), "Must be less than {0}.", 1),
    "lte": ValueTest(_compared(Decimal.__le__), "Must be {0} or less.", 1),
    "multiple_of": ValueTest(_multiple_of, "Must be a multiple of {0}.", 1, True),
    "decimal": ValueTest(_decimal, "Must have {all} decimal places.", 1, True),
    "same": ValueTest(
        lambda subject, parameters: subject.text == subject.others.get(parameters[0]), "Must be the same as {0}.", 1
    ),
    "different": ValueTest(
        lambda subject, names: all(subject.text != subject.others.get(name) for name in names),
        "Must be different from: {all}.",
        1,
    ),
}
