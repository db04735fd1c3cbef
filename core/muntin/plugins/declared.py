"""`declared.toml`: the plugins an operator installed, exactly enough to build the same set on another machine."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from muntin.plugins.manifest import normal
from muntin.plugins.manifest_file import Name, PluginRefused
from muntin.translation import _

FILE_NAME = "declared.toml"
FORMAT = 1
_HEAD = """\
# The installed plugins, written by `muntin plugin install`. Copy this file and the folder `wheels` beside it into the
# `plugins` folder of another data dir and run `muntin plugin sync` there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredWheel:
    """One wheel of the set.

    Attributes:
        plugins: Names of the plugins it offers; none for what a plugin brought along.
        wheel: File name; looked for in `wheels/`, then asked of an index.
        sha256: Of the wheel, hexadecimal; nothing else is taken.
        asked_for: Whether the operator named it, rather than a plugin that needs it.
    """

    distribution: str
    version: str
    wheel: str
    sha256: str
    plugins: tuple[str, ...] = ()
    asked_for: bool = True


@dataclass(frozen=True, slots=True)
class Declared:
    """The whole set, sorted by name."""

    wheels: tuple[DeclaredWheel, ...] = ()

    def of_plugin(self, plugin: str) -> DeclaredWheel | None:
        """The wheel that offers a plugin."""
        return next((one for one in self.wheels if plugin in one.plugins), None)

    def of_distribution(self, distribution: str) -> DeclaredWheel | None:
        """The wheel of a distribution, however its name is written."""
        wanted = normal(distribution)
        return next((one for one in self.wheels if normal(one.distribution) == wanted), None)

    def with_wheels(self, wheels: Iterable[DeclaredWheel]) -> Declared:
        """The set with these in place of others of the same distribution."""
        merged = {normal(one.distribution): one for one in self.wheels}
        for one in wheels:
            before = merged.get(normal(one.distribution))
            asked_for = one.asked_for or (before is not None and before.asked_for)
            merged[normal(one.distribution)] = replace(one, asked_for=asked_for)
        return Declared(tuple(merged[name] for name in sorted(merged)))

    def to_toml(self) -> str:
        """The file's text."""
        lines = [_HEAD, f"format = {FORMAT}\n"]
        for one in self.wheels:
            lines += ["\n[[wheel]]\n"]
            lines += [f"{name} = {_toml(getattr(one, name))}\n" for name in DeclaredWheel.__dataclass_fields__]
        return "".join(lines)


def _wheel_name(name: str) -> str:
    try:
        parse_wheel_filename(name)
    except (InvalidWheelFilename, InvalidVersion):
        raise ValueError("is not the name of a wheel") from None
    if "/" in name or "\\" in name:
        raise ValueError("is not the name of a wheel")
    return name


class _Wheel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    distribution: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+!_-]{1,64}$")]
    wheel: Annotated[str, StringConstraints(max_length=255), AfterValidator(_wheel_name)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    plugins: list[Name] = []
    asked_for: bool = True


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1]
    wheel: list[_Wheel] = []


def parse_declared(text: str) -> Declared:
    """Read the file's text.

    Raises:
        PluginRefused: It does not hold; names the field.
    """
    try:
        file = _File.model_validate(tomllib.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part)[:60] for part in first["loc"])
        raise PluginRefused(_("{file}: {field}: {why}.", file=FILE_NAME, field=field, why=first["msg"])) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PluginRefused(_("{file} is not TOML: {why}.", file=FILE_NAME, why=str(error)[:200])) from None
    return Declared(
        tuple(
            DeclaredWheel(**{**one.model_dump(exclude={"plugins"}), "plugins": tuple(one.plugins)})
            for one in file.wheel
        )
    )


def read_declared(folder: Path) -> Declared:
    """The declared set of a `plugins` folder, or of a generation; an empty one where there is no file.

    Raises:
        PluginRefused: The file does not hold.
    """
    try:
        return parse_declared((folder / FILE_NAME).read_text())
    except FileNotFoundError:
        return Declared()
    except UnicodeDecodeError as error:
        raise PluginRefused(_("{file} is not UTF-8.", file=FILE_NAME)) from error


def write_declared(folder: Path, declared: Declared) -> None:
    """Write the set, whole or not at all."""
    draft = folder / f".{FILE_NAME}.{os.getpid()}"
    with draft.open("w") as file:
        file.write(declared.to_toml())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / FILE_NAME)


def _toml(value: object) -> str:
    """Plain ASCII text, lists of it and booleans are written alike in JSON and TOML."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)
