"""From the bytes of an egg file to its plain document; the limits that keep a hostile file harmless."""

import json
from typing import Final, Literal

from muntin_gameservers.eggs.errors import WHOLE_FILE, EggInvalid, EggTooLarge, EggUnreadable
from muntin_gameservers.eggs.json_values import Json, faults
from muntin_gameservers.eggs.yaml_parsing import parse_yaml

MAX_BYTES: Final = 1024 * 1024
MAX_FAULTS: Final = 50
Syntax = Literal["json", "yaml"]


def parse_document(data: bytes, name: str = "") -> tuple[dict[str, Json], Syntax]:
    """The mapping in an egg file, and the syntax it was written in.

    Args:
        data: At most `MAX_BYTES`.
        name: File name, which only decides where the content begins with `{` and could be either syntax.
    """
    if len(data) > MAX_BYTES:
        raise EggTooLarge(f"An egg file holds at most {MAX_BYTES} bytes, this one {len(data)}.")
    text = _decoded(data)
    syntax: Syntax = "json" if text.lstrip()[:1] in ("{", "[") and not _named_yaml(name) else "yaml"
    document = parse_json(text) if syntax == "json" else parse_yaml(text)
    if not isinstance(document, dict):
        raise EggUnreadable("An egg file must hold a JSON object or a YAML mapping.")
    _refuse_faults(document)
    return document, syntax


def parse_json(text: str) -> Json:
    """The value of a JSON text.

    Raises:
        EggUnreadable: Not JSON, or nested too deep to follow.
    """
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # ValueError: also numbers of thousands of digits
        raise EggUnreadable(f"Not readable as JSON: {error}.") from error
    return value


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EggUnreadable(f"Not UTF-8 text: byte {error.start} is wrong.") from error


def _named_yaml(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml"))


def _refuse_constant(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON")


def _refuse_faults(document: Json) -> None:
    found: dict[str, list[str]] = {}
    for path, message in faults(document):
        found.setdefault(path or WHOLE_FILE, []).append(message)
        if len(found) == MAX_FAULTS:
            break
    if found:
        raise EggInvalid(found)
