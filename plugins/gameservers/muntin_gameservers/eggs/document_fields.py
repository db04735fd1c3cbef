"""Takes typed values out of a parsed document and remembers, by dotted path, what was wrong with them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from muntin_gameservers.eggs.errors import EggUnreadable
from muntin_gameservers.eggs.json_values import MISSING, Json, Missing, Path, dotted, faults
from muntin_gameservers.eggs.parsing import parse_json
from muntin_gameservers.eggs.yaml_parsing import float_text

Faults = dict[str, list[str]]
_FLAGS: Final[Mapping[str, bool]] = {"1": True, "true": True, "0": False, "false": False, "": False}


class Entry(NamedTuple):
    """A value and where it stands."""

    path: Path
    value: Json


class DocumentFields:
    """The keys of one mapping, each to be taken once; what is left at the end is unknown to us and kept.

    A wrong value is noted in `faults` and an empty one is returned, so that one reading finds all that is wrong.
    """

    def __init__(self, values: Mapping[str, Json], path: Path, faults: Faults) -> None:
        self._values = dict(values)
        self._path = path
        self.faults = faults

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def holds_list(self, key: str) -> bool:
        """Whether the value is a list, or the mapping PHP writes for one."""
        return isinstance(self._values.get(key), list | dict)

    def rest(self) -> dict[str, Json]:
        """What nobody has taken."""
        return dict(self._values)

    def note(self, message: str, *path: str | int) -> None:
        """Remember a fault of the field at `path` below this mapping."""
        self.faults.setdefault(dotted((*self._path, *path)), []).append(message)

    def text(self, key: str) -> str | None:
        """A text; numbers and truth values become one, None when missing or null."""
        value = self._take(key)
        return None if value is None or isinstance(value, Missing) else self._as_text(value, key)

    def required_text(self, key: str, *, longest: int) -> str:
        """A text of 1 to `longest` characters that are not all blank."""
        text = self.text(key)
        if text is None:
            self._note_once("Must be given.", key)
        elif not text.strip():
            self.note("Must not be empty.", key)
        elif len(text) > longest:
            self.note(f"At most {longest} characters.", key)
        return text or ""

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts. PHP writes a list with gaps as a mapping and an empty one as `{}`: its values count."""
        return tuple(self._as_text(entry.value, *entry.path) for entry in self._entries(key))

    def text_map(self, key: str) -> dict[str, str]:
        """A mapping of texts in the order of the file; in a list, or for a single text, each text is its own label."""
        value = self._values.get(key)
        if isinstance(value, dict):
            self._take(key)
            return {label: self._as_text(each, key, label) for label, each in value.items()}
        if isinstance(value, list):
            return {text: text for text in self.texts(key)}
        single = self.text(key)
        return {} if single is None else {single: single}

    def json_map(self, key: str) -> dict[str, Json]:
        """A mapping, given as one or as JSON text. Empty, missing and PHP's `[]` are the empty mapping."""
        value = self._take(key)
        if isinstance(value, str) and value.strip():
            value = self._parsed(value, key)
        if isinstance(value, dict):
            return value
        if value not in (None, [], "") and not isinstance(value, Missing):
            self.note("Must be a mapping, or JSON text of one.", key)
        return {}

    def flag(self, key: str) -> bool:
        """A truth value, also as 0/1 or text; false when missing."""
        value = self._take(key)
        if value is None or isinstance(value, Missing):
            return False
        flag = _FLAGS.get(str(value).lower()) if isinstance(value, bool | int | str) else None
        if flag is None:
            self.note("Must be true or false.", key)
        return bool(flag)

    def number(self, key: str) -> int | None:
        """A whole number, also as text; None when missing or null."""
        value = self._take(key)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if value is not None and not isinstance(value, Missing):
            self.note("Must be a whole number.", key)
        return None

    def section(self, key: str) -> "DocumentFields":
        """The fields of a nested mapping; of an empty one when it is missing, null or PHP's `[]`."""
        return self._fields(self._take(key), key)

    def sections(self, key: str) -> list["DocumentFields"]:
        """The fields of each mapping in a list."""
        return [self._fields(entry.value, *entry.path) for entry in self._entries(key)]

    def _take(self, key: str) -> Json | Missing:
        return self._values.pop(key, MISSING)

    def _fields(self, value: Json | Missing, *path: str | int) -> "DocumentFields":
        if isinstance(value, dict):
            return DocumentFields(value, (*self._path, *path), self.faults)
        if value not in (None, []) and not isinstance(value, Missing):
            self.note("Must be a mapping.", *path)
        return DocumentFields({}, (*self._path, *path), self.faults)

    def _entries(self, key: str) -> list[Entry]:
        value = self._take(key)
        if isinstance(value, dict) and all(each.isdigit() for each in value):
            return [Entry((key, index), each) for index, each in value.items()]
        if isinstance(value, list):
            return [Entry((key, index), each) for index, each in enumerate(value)]
        if value not in (None, "") and not isinstance(value, Missing):
            self.note("Must be a list.", key)
        return []

    def _as_text(self, value: Json, *path: str | int) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return float_text(value) if isinstance(value, float) else str(value)
        self.note("Must be a text.", *path)
        return ""

    def _parsed(self, text: str, key: str) -> Json:
        try:
            value = parse_json(text)
        except EggUnreadable as error:
            self.note(str(error), key)
            return None
        for path, message in faults(value):
            self.note(message, key, *path.split(".") if path else ())
            return None
        return value

    def _note_once(self, message: str, key: str) -> None:
        if dotted((*self._path, key)) not in self.faults:
            self.note(message, key)
