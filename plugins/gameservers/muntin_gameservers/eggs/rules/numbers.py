"""Texts that are numbers, as PHP sees them."""

import re
from decimal import Decimal
from typing import Final

LONGEST: Final = 64  # characters; longer ones are no number anybody means
_NUMERIC: Final = re.compile(r"[ \t\n\r\v\f]*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?[ \t\n\r\v\f]*", re.ASCII)
_INTEGER: Final = re.compile(r"[ \t\n\r\v]*[+-]?(0|[1-9]\d{0,18})[ \t\n\r\v]*", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d*\.?(\d*)", re.ASCII)
_INT64: Final = range(-(2**63), 2**63)


def as_number(text: str) -> Decimal | None:
    """The number a text stands for; None when it is none."""
    return Decimal(text.strip()) if len(text) <= LONGEST and _NUMERIC.fullmatch(text) else None


def is_integer(text: str) -> bool:
    """Whether a text is a whole number of at most 64 bits, without leading zeros."""
    return len(text) <= LONGEST and _INTEGER.fullmatch(text) is not None and int(text) in _INT64


def decimal_places(text: str) -> int | None:
    """Digits after the point of a number without an exponent; None when it is none."""
    match = _DECIMAL.fullmatch(text) if as_number(text) is not None else None
    return len(match[1]) if match else None


def count_of_digits(text: str) -> int | None:
    """How many digits a text of digits alone has; None when it holds anything else."""
    return len(text) if text.isascii() and text.isdigit() else None


def is_multiple(number: Decimal, step: Decimal) -> bool:
    """Whether `number` is a whole multiple of `step`; of zero nothing is."""
    if not step:
        return False
    (top, bottom), (step_top, step_bottom) = number.as_integer_ratio(), step.as_integer_ratio()
    return (top * step_bottom) % (bottom * step_top) == 0
