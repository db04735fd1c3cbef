"""The node's configuration: a Wings-shaped `config.yml`, read, checked and written back whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator

from muntin_node.config_sections import (
    ApiSection,
    DockerSection,
    MuntinSection,
    RemoteQuerySection,
    SearchSection,
    Section,
    SystemSection,
    ThrottlesSection,
)
from muntin_node.errors import ConfigError

DEFAULT_PATH = Path("/etc/muntin/node.yml")
MAX_FILE_BYTES = 1_048_576
MAX_DEPTH = 32
OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


class NodeConfig(Section):
    """Every key of the file; frozen. `token_id` and `token` are empty until the node is enrolled."""

    debug: bool = False
    quiet: bool = False
    app_name: str = "muntin"
    uuid: str = ""
    token_id: str = ""
    token: str = Field(default="", repr=False)
    api: ApiSection = ApiSection()
    system: SystemSection = SystemSection()
    docker: DockerSection = DockerSection()
    throttles: ThrottlesSection = ThrottlesSection()
    remote: str = ""
    remote_query: RemoteQuerySection = RemoteQuerySection()
    allowed_mounts: tuple[str, ...] = ()
    block_base_dir_mount: bool = Field(default=True, alias="BlockBaseDirMount")
    search: SearchSection = Field(default=SearchSection(), alias="Search")
    allowed_origins: tuple[str, ...] = ()
    allow_cors_private_network: bool = False
    ignore_panel_config_updates: bool = False
    muntin: MuntinSection = MuntinSection()

    @field_validator("remote")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")  # compared with browsers' Origin, which has none

    @property
    def enrolled(self) -> bool:
        """Whether the node has a panel and credentials for it."""
        return bool(self.remote and self.token_id and self.token)

    @property
    def panel_bearer(self) -> str:
        """What the panel takes as `Authorization: Bearer ...`."""
        return f"{self.token_id}.{self.token}"


def parse_config(values: Mapping[str, Any], *, source: str) -> NodeConfig:
    """Check a mapping of the file's shape.

    Args:
        source: Named in the error, e.g. the path.

    Raises:
        ConfigError: Names every key that does not hold (never its value).
    """
    try:
        return NodeConfig.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigError(f"{source}: {wrong}") from None


def load_config(path: Path) -> NodeConfig:
    """Read the file; keys left out get their defaults.

    Raises:
        ConfigError: Missing, unreadable, over 1 MiB, not YAML, with YAML aliases, or a key does not hold.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; run `muntin-node configure` first.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is larger than 1 MiB.")
    return parse_config(_mapping(raw, path), source=str(path))


def _mapping(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        _refuse_bombs(raw, path)
        values = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        raise ConfigError(f"{path} is not YAML{f' (line {where.line + 1})' if where else ''}.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no mapping.")
    return values


def _refuse_bombs(raw: bytes, path: Path) -> None:
    depth = 0
    for token in yaml.scan(raw):
        depth += isinstance(token, OPENING) - isinstance(token, CLOSING)
        if isinstance(token, yaml.AliasToken):
            raise ConfigError(f"{path} uses YAML aliases, which are not read here.")
        if depth > MAX_DEPTH:
            raise ConfigError(f"{path} is nested too deeply.")


def dump_config(config: NodeConfig) -> dict[str, Any]:
    """Every key with its value, as plain YAML types under the file's own names."""
    return config.model_dump(mode="json", by_alias=True)


def save_config(path: Path, config: NodeConfig) -> None:
    """Write the whole file, mode 0600, atomically: a reader sees the old or the new one.

    Raises:
        ConfigError: The folder is not writable or the disk is full.
    """
    text = yaml.safe_dump(dump_config(config), sort_keys=False, allow_unicode=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_atomically(path, text.encode())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from error


def _write_atomically(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - the temporary name is a str from mkstemp
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
