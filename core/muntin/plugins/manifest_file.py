"""`muntin-plugin.toml`: what a plugin says of itself beside the metadata of its wheel; read without importing anything.

[plugin]
name = "notes"                     # the name of the entry point
muntin = ">=0.1,<0.2"              # versions of the panel it works with

[plugin.requires]                  # other plugins, by name
gameservers = ">=0.1"

[capabilities]                     # what it asks for; shown before it is installed
network = ["api.example.com"]      # hosts it talks to
node_code = true                   # code of it runs on nodes
secrets = ["API token of example.com"]
tables = ["notes_note"]
"""

from __future__ import annotations

import tomllib
from typing import Annotated

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from muntin.errors import Conflict
from muntin.translation import _

FILE_NAME = "muntin-plugin.toml"
MAX_BYTES = 64 * 1024
MAX_ENTRIES = 100
PLUGIN_NAME = r"^[a-z][a-z0-9_]{1,31}$"
_HOST = r"^(\*|(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*(:[0-9]{1,5})?)$"


class PluginRefused(Conflict):
    """A plugin that is not taken in; the message says which file and field, and why.

    Attributes:
        reason: What is wrong.
        remedy: What to do about it; empty when that goes without saying.
    """

    code = "plugin_refused"

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(f"{reason} {remedy}".strip(), reason=reason, remedy=remedy)
        self.reason, self.remedy = reason, remedy


def _range(text: str) -> str:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        raise ValueError("is no range of versions such as >=1.2,<2") from None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds characters that cannot be shown")
    return text


Name = Annotated[str, StringConstraints(pattern=PLUGIN_NAME)]
Range = Annotated[str, StringConstraints(max_length=200), AfterValidator(_range)]
Host = Annotated[str, StringConstraints(max_length=255, pattern=_HOST)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
TableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,62}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Capabilities(_Section):
    """What a plugin asks for. Declared, shown and remembered; a plugin's code is not jailed by it."""

    network: list[Host] = Field(default=[], max_length=MAX_ENTRIES)
    node_code: bool = False
    secrets: list[Words] = Field(default=[], max_length=MAX_ENTRIES)
    tables: list[TableName] = Field(default=[], max_length=MAX_ENTRIES)

    def in_words(self) -> tuple[str, ...]:
        """One sentence per capability, for people who decide whether to install it."""
        said = []
        if self.network:
            said.append(_("Talks to: {hosts}", hosts=", ".join(self.network)))
        if self.node_code:
            said.append(_("Runs code on nodes"))
        if self.secrets:
            said.append(_("Keeps secrets: {secrets}", secrets=", ".join(self.secrets)))
        if self.tables:
            said.append(_("Keeps tables: {tables}", tables=", ".join(self.tables)))
        return tuple(said)


class PluginSection(_Section):
    """Who it is and what it needs."""

    name: Name | None = None
    muntin: Range = ""
    requires: dict[Name, Range] = Field(default={}, max_length=MAX_ENTRIES)


class ManifestFile(_Section):
    """The whole file; every key may be left out, and so may the file."""

    plugin: PluginSection = PluginSection()
    capabilities: Capabilities = Capabilities()


def read_manifest_file(raw: bytes, *, source: str) -> ManifestFile:
    """Read and check the file.

    Args:
        source: Where it came from, for the message.

    Raises:
        PluginRefused: Too large, not TOML, or a field does not hold; names file and field.
    """
    if len(raw) > MAX_BYTES:
        raise PluginRefused(_("{file} is larger than {kib} KiB.", file=source, kib=MAX_BYTES // 1024))
    try:
        values = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        why = "too deep" if isinstance(error, RecursionError) else str(error)[:200]
        raise PluginRefused(_("{file} is not TOML: {why}.", file=source, why=why)) from None
    try:
        return ManifestFile.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part)[:60] for part in first["loc"])
        why = first["msg"].removeprefix("Value error, ")
        raise PluginRefused(_("{file}: {field}: {why}.", file=source, field=ascii(field)[1:-1], why=why)) from None
