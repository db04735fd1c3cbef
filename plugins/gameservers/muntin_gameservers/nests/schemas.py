"""Input of the nest and egg routes, and nests and eggs as the native API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from muntin.schemas import Input, Line, Name, Query, Text, no_nul
from muntin.translation import _
from muntin_gameservers.eggs.json_values import faults
from muntin_gameservers.eggs.rules import split_rules


def json_map(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no database can store: NUL, half characters, numbers of more than 64 bits, endless depth."""
    for path, message in faults(value):
        raise ValueError(f"{path}: {message}" if path else message)
    return value


def configuration_files(value: dict[str, Any]) -> dict[str, Any]:
    """Path -> `{"parser": ..., "find": {locator: value}}`."""
    for path, entry in json_map(value).items():
        if not isinstance(entry, dict) or not isinstance(entry.get("find", {}), dict | list):
            raise ValueError(_("{path} has to be an object with parser and find.", path=path))
        if not isinstance(entry.get("parser", ""), str):
            raise ValueError(_("The parser of {path} has to be a text.", path=path))
    return value


def distinct_names(variables: list[VariableIn]) -> list[VariableIn]:
    """Refuse two variables of one name, whatever its case."""
    seen: set[str] = set()
    for variable in variables:
        name = variable.env_variable.upper()
        if name in seen:
            raise ValueError(_("Two variables are called {name}.", name=variable.env_variable))
        seen.add(name)
    return variables


ShortLine = Annotated[Line, Field(max_length=191)]
Author = Annotated[ShortLine, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")]
ImageName = Annotated[Line, Field(min_length=1, max_length=255)]
Images = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=255)], ImageName],
    Field(min_length=1, max_length=100, examples=[{"Default": "registry.example/game:1"}]),
]
StartCommand = Annotated[Text, Field(min_length=1)]
Script = Annotated[str, StringConstraints(max_length=512 * 1024), AfterValidator(no_nul)]
JsonMap = Annotated[dict[str, Any], AfterValidator(json_map)]
ConfigFiles = Annotated[dict[str, Any], AfterValidator(configuration_files)]
DoneLines = Annotated[list[Text], Field(max_length=100)]
Lines = Annotated[list[ShortLine], Field(max_length=500)]
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,191}$")]


class NestIn(Input):
    """A new nest."""

    name: Name
    description: Text | None = None


class NestChanges(Input):
    """What of a nest is to change; what is left out stays."""

    name: Name | None = None
    description: Text | None = None


class ScriptIn(Input):
    """What fills a server's folder, run as root in `container`."""

    script: Script = ""
    container: ShortLine = ""
    entrypoint: ShortLine = ""


class VariableIn(Input):
    """One setting of a game.

    `id` is the one the variable was shown with, so that it can be renamed. `rules` in Laravel's words,
    one line joined by `|`.
    """

    id: UUID | None = None
    name: Name
    description: Text = ""
    env_variable: EnvName
    default_value: Text = ""
    user_viewable: bool = False
    user_editable: bool = False
    rules: Text = ""
    sort: Annotated[int, Field(ge=0, le=10_000)] | None = None

    @property
    def rule_list(self) -> tuple[str, ...]:
        """The rules one by one."""
        return split_rules(self.rules)


Variables = Annotated[list[VariableIn], Field(max_length=500), AfterValidator(distinct_names)]


class EggIn(Input):
    """A new egg."""

    name: Name
    description: Text | None = None
    author: Author = ""
    docker_images: Images
    startup: StartCommand
    stop_command: ShortLine = "stop"
    startup_done: DoneLines = []
    config_files: ConfigFiles = {}
    log_config: JsonMap = {}
    install_script: ScriptIn = ScriptIn()
    features: Lines = []
    file_denylist: Lines = []
    variables: Variables = []


class EggChanges(Input):
    """What of an egg is to change; what is left out stays."""

    name: Name | None = None
    description: Text | None = None
    author: Author | None = None
    docker_images: Images | None = None
    startup: StartCommand | None = None
    stop_command: ShortLine | None = None
    startup_done: DoneLines | None = None
    config_files: ConfigFiles | None = None
    log_config: JsonMap | None = None
    install_script: ScriptIn | None = None
    features: Lines | None = None
    file_denylist: Lines | None = None
    variables: Variables | None = None


class ImportIn(Input):
    """An egg file inside a request body."""

    nest_id: UUID
    egg: dict[str, Any]
    overwrite_egg_id: UUID | None = None


class ImportTarget(Input):
    """Where an uploaded file goes."""

    nest_id: UUID
    overwrite_egg_id: UUID | None = None


class ImportQuery(Query):
    """Where an egg goes whose file is the whole body."""

    nest_id: UUID | None = None
    overwrite_egg_id: UUID | None = None


class ExportQuery(Query):
    """In which form an egg is exported; `own` is the format it was imported in."""

    format: Literal["own", "PTDL_v1", "PTDL_v2", "PLCN_v1", "PLCN_v2", "PLCN_v3"] = "PTDL_v2"
    syntax: Literal["json", "yaml"] = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """A group of eggs."""

    id: UUID
    name: str
    description: str | None
    author: str
    eggs_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EggVariable:
    """One setting of a game; `rules` in Laravel's words, joined by `|`."""

    id: UUID
    name: str
    description: str
    env_variable: str
    default_value: str
    user_viewable: bool
    user_editable: bool
    rules: str
    sort: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EggScript:
    """What fills a server's folder."""

    script: str
    container: str
    entrypoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Egg:
    """How to install and run a game.

    Attributes:
        docker_images: Label -> image, the first is the default.
        startup: The default start command.
        startup_commands: Label -> command, the default first.
        startup_done: A line that holds one of these says that the server is ready.
        stop_command: A signal when it begins with `^`.
        version: The exchange format it came in.
        warnings: What administrators should know of it, such as rules that are not checked.
    """

    id: UUID
    nest_id: UUID
    name: str
    description: str | None
    author: str
    docker_images: Mapping[str, str]
    startup: str
    startup_commands: Mapping[str, str]
    stop_command: str
    startup_done: tuple[str, ...]
    config_files: Mapping[str, Any]
    log_config: Mapping[str, Any]
    install_script: EggScript
    features: tuple[str, ...]
    file_denylist: tuple[str, ...]
    tags: tuple[str, ...]
    variables: tuple[EggVariable, ...]
    version: str
    warnings: tuple[str, ...]
    servers_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EggFile:
    """An exported egg."""

    name: str  # of the file
    content_type: str
    data: bytes
