"""What an administrator should know of an egg that was imported: nothing here stops it from being used."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from muntin_gameservers.eggs.definition import EggDefinition, VariableDefinition
from muntin_gameservers.eggs.rules import unknown_rules

RESERVED_NAMES: Final = frozenset(
    {"TZ", "STARTUP", "SERVER_MEMORY", "SERVER_IP", "SERVER_PORT", "SERVER_UUID", "P_SERVER_UUID"}
    | {"P_SERVER_LOCATION", "P_SERVER_ALLOCATION_LIMIT", "ENV", "HOME", "USER", "UUID", "INTERNAL_IP"}
    | {"MODIFIED_STARTUP"}
)
"""Names a server's process gets from the panel, the node or the image; an egg's variable cannot set them."""
KNOWN_PARSERS: Final = frozenset({"file", "properties", "ini", "yaml", "yml", "json", "xml"})


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing worth knowing, and the field it is about, as a dotted path."""

    field: str
    message: str


def advice(egg: EggDefinition) -> tuple[Advice, ...]:
    """Everything worth knowing about an egg before servers are made of it."""
    return (*_about_variables(egg), *_about_files(egg))


def _about_variables(egg: EggDefinition) -> Iterator[Advice]:
    for index, variable in enumerate(egg.variables):
        yield from _about_variable(variable, f"variables.{index}")


def _about_variable(variable: VariableDefinition, path: str) -> Iterator[Advice]:
    for rule in unknown_rules(variable.rules):
        yield Advice(f"{path}.rules", f"The rule {rule} is kept but not checked.")
    if variable.env_variable.upper() in RESERVED_NAMES:
        yield Advice(f"{path}.env_variable", f"{variable.env_variable} is set by the panel, not by this variable.")


def _about_files(egg: EggDefinition) -> Iterator[Advice]:
    for path, entry in egg.config.files.items():
        parser = entry.get("parser") if isinstance(entry, dict) else None
        if parser not in KNOWN_PARSERS:
            yield Advice(f"config.files.{path}.parser", f"No parser is called {parser}; the file stays as it is.")
