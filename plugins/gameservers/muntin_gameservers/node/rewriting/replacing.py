"""One value: whether it is replaced, and by what."""

from __future__ import annotations

import re
from collections.abc import Mapping

from muntin_gameservers.contract import Replacement
from muntin_gameservers.node.patterns import Pattern, PatternRefused
from muntin_gameservers.node.rewriting.errors import RewriteRefused

CONFIG_PLACEHOLDER = re.compile(r"\{\{ ?(config\.[A-Za-z0-9_.]+) ?\}\}")
Scalar = bool | int | float | str


def visible_configuration(interface: str) -> dict[str, str]:
    """All that a configuration file may learn of the node's configuration: an allow-list."""
    return {"config.docker.interface": interface, "config.docker.network.interface": interface}


def resolved(replacement: Replacement, visible: Mapping[str, str]) -> Replacement:
    """The replacement with `{{config...}}` filled in; names outside of the allow-list stay as they are."""
    value = replacement.replace_with
    if not isinstance(value, str) or "{{" not in value:
        return replacement
    filled = CONFIG_PLACEHOLDER.sub(lambda found: visible.get(found[1], found[0]), value)
    return replacement.model_copy(update={"replace_with": filled})


def as_text(value: object) -> str:
    """A scalar the way configuration files write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def one_line(value: object) -> str:
    """A scalar that stays on its line."""
    return as_text(value).replace("\r", " ").replace("\n", " ").replace("\0", "")


def new_value(replacement: Replacement, existing: object | None) -> Scalar | None:
    """What the value becomes; None leaves it.

    Args:
        existing: What the file holds now; None where the key is missing.
    """
    condition = replacement.if_value
    if condition is None:
        return replacement.replace_with
    if existing is None:
        return None
    if condition.startswith("regex:"):
        return _substituted(condition.removeprefix("regex:"), as_text(replacement.replace_with), as_text(existing))
    return replacement.replace_with if as_text(existing) == condition else None


def typed(value: Scalar, existing: object | None) -> Scalar:
    """The value in the type the file uses there; where it holds nothing, whole numbers become numbers."""
    if not isinstance(value, str) or isinstance(existing, str):
        return as_text(value) if isinstance(existing, str) and not isinstance(value, bool) else value
    if isinstance(existing, bool):
        return value == "true" if value in ("true", "false") else value
    if existing is None or isinstance(existing, int):
        return int(value) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value) else _number_like(value, existing)
    return _number_like(value, existing)


def _number_like(value: str, existing: object | None) -> Scalar:
    if isinstance(existing, int | float) and re.fullmatch(r"-?[0-9]+\.[0-9]+", value):
        return float(value)
    return float(value) if isinstance(existing, float) and re.fullmatch(r"-?[0-9]{1,15}", value) else value


def _substituted(pattern: str, template: str, existing: str) -> str | None:
    try:
        compiled = Pattern(pattern)
    except PatternRefused as error:
        raise RewriteRefused(str(error)) from None
    return compiled.replaced(existing, template) if compiled.found_in(existing) else None
