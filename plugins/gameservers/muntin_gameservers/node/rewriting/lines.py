"""Files made of lines: `file`, `properties`, `ini`. What is not replaced stays as it was, comments too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from muntin_gameservers.contract import Replacement
from muntin_gameservers.node.rewriting.replacing import new_value, one_line

PROPERTY = re.compile(r"^[ \t\f]*((?:\\.|[^\\=: \t\f])+)(?:[ \t\f]*[=:][ \t\f]*|[ \t\f]+|$)(.*)$", re.DOTALL)
SECTION = re.compile(r"^\s*\[(.*?)\]\s*$")
INI_KEY = re.compile(r"^(\s*)([^=#;\[][^=]*?)(\s*=\s*)(.*)$")
SECTION_WITH_DOTS = re.compile(r"^\[(.+?)\]\.(.+)$")


def rewrite_plain(text: str, replacements: Sequence[Replacement]) -> str:
    """Replace whole lines that start with a match; nothing is added."""
    return "".join(_plain_line(line, replacements) for line in text.splitlines(keepends=True))


def _plain_line(line: str, replacements: Sequence[Replacement]) -> str:
    content = line.rstrip("\r\n")
    found = [one_line(item.replace_with) for item in replacements if item.match and content.startswith(item.match)]
    return "".join(found) + line[len(content) :] if found else line


def rewrite_properties(text: str, replacements: Sequence[Replacement]) -> str:
    """Set or add keys of a Java properties file."""
    lines = _logical_lines(text)
    for replacement in replacements:
        positions = [number for number, line in enumerate(lines) if _property_key(line) == replacement.match]
        existing = _property_value(lines[positions[-1]]) if positions else None
        value = new_value(replacement, existing)
        if value is None:
            continue
        line = f"{_escaped(replacement.match, key=True)}={_escaped(one_line(value), key=False)}"
        if positions:
            lines[positions[-1]] = line
        else:
            lines.append(line)
    return "\n".join(lines) + "\n" if lines else ""


def _logical_lines(text: str) -> list[str]:
    """Lines with their continuations kept together."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and _continues(lines[-1]):
            lines[-1] += "\n" + line
        else:
            lines.append(line)
    return lines


def _continues(line: str) -> bool:
    last = line.rpartition("\n")[2]
    is_comment = line.lstrip()[:1] in ("#", "!")
    return not is_comment and (len(last) - len(last.rstrip("\\"))) % 2 == 1


def _property_key(line: str) -> str | None:
    if line.lstrip()[:1] in ("", "#", "!"):
        return None
    found = PROPERTY.match(line)
    return _unescaped(found[1]) if found else None


def _property_value(line: str) -> str:
    found = PROPERTY.match(line)
    return _unescaped(re.sub(r"\\\n[ \t\f]*", "", found[2])) if found else ""


def _unescaped(text: str) -> str:
    named = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
    text = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\(.)", lambda found: named.get(found[1], found[1]), text)


def _escaped(text: str, *, key: bool) -> str:
    special = r"([\\=: #!])" if key else r"(\\)"
    escaped = re.sub(special, r"\\\1", text).replace("\t", "\\t").replace("\f", "\\f")
    if not key and escaped.startswith(" "):
        escaped = "\\" + escaped
    units = escaped.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04X}" for code in codes)


def rewrite_ini(text: str, replacements: Sequence[Replacement]) -> str:
    """Set or add `section.key`; a section whose name has dots is written `[a.b].key`."""
    lines = text.splitlines()
    for replacement in replacements:
        section, key = _ini_path(replacement.match)
        first, end = _section_bounds(lines, section)
        number = _ini_line(lines, first, end, key) if first is not None else None
        existing = INI_KEY.match(lines[number])[4] if number is not None else None  # type: ignore[index] # it matched
        value = new_value(replacement, existing)
        if value is not None:
            _set_ini(lines, section, key, one_line(value), first=first, end=end, number=number)
    return "\n".join(lines) + "\n" if lines else ""


def _ini_path(match: str) -> tuple[str, str]:
    bracketed = SECTION_WITH_DOTS.match(match)
    if bracketed:
        return bracketed[1], bracketed[2]
    section, dot, key = match.partition(".")
    return (section, key) if dot else ("", match)


def _section_bounds(lines: list[str], section: str) -> tuple[int | None, int]:
    """Numbers of a section's first line and of the one after its last; None when it is missing."""
    first: int | None = 0 if not section else None
    for number, line in enumerate(lines):
        heading = SECTION.match(line)
        if heading and first is not None:
            return first, number
        if heading and heading[1] == section:
            first = number + 1
    return first, len(lines)


def _ini_line(lines: list[str], first: int, end: int, key: str) -> int | None:
    for number in range(first, end):
        found = INI_KEY.match(lines[number])
        if found and found[2].strip() == key:
            return number
    return None


def _set_ini(
    lines: list[str], section: str, key: str, value: str, *, first: int | None, end: int, number: int | None
) -> None:
    if number is not None:
        lines[number] = INI_KEY.sub(lambda found: f"{found[1]}{found[2]}{found[3]}{value}", lines[number])
    elif first is not None:
        while end > first and not lines[end - 1].strip():
            end -= 1
        lines.insert(end, f"{key}={value}")
    else:
        lines += [f"[{section}]", f"{key}={value}"]
