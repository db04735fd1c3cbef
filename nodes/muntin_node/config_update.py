"""What the panel may change in a node's configuration over the wire: this list, and nothing else."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from muntin_node.config import NodeConfig, dump_config, parse_config
from muntin_node.errors import BadRequest, ConfigError

LETSENCRYPT = "/etc/letsencrypt/live/"


class _Part(BaseModel):
    """Keys that are not listed are ignored, as Wings does: the panel always sends the whole configuration."""

    model_config = ConfigDict(extra="ignore", strict=True)


class SslUpdate(_Part):
    enabled: bool | None = None
    cert: str | None = None
    key: str | None = None


class ApiUpdate(_Part):
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    ssl: SslUpdate | None = None
    upload_limit: int | None = Field(default=None, ge=0)


class SftpUpdate(_Part):
    bind_port: int | None = Field(default=None, ge=1, le=65535)


class SystemUpdate(_Part):
    sftp: SftpUpdate | None = None


class ConfigUpdate(_Part):
    """Body of `POST /api/update`. Not settable: folders, mounts, the panel's address, and all the rest."""

    debug: bool | None = None
    uuid: str | None = Field(default=None, max_length=64)
    token_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{1,64}$")
    token: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{16,256}$")
    api: ApiUpdate | None = None
    system: SystemUpdate | None = None


def updated(config: NodeConfig, change: ConfigUpdate) -> NodeConfig:
    """The configuration with the change merged in; absent keys keep their value.

    Raises:
        BadRequest: The outcome would not hold.
    """
    values = change.model_dump(exclude_none=True)
    ssl = values.get("api", {}).get("ssl", {})
    if str(ssl.get("key", "")).startswith(LETSENCRYPT):  # the panel's guess; the node's own paths stay
        ssl.pop("key")
        ssl.pop("cert", None)
    try:
        return parse_config(_merged(dump_config(config), values), source="update")
    except ConfigError as error:
        raise BadRequest(error.message) from None


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in change.items():
        result[key] = _merged(base[key], value) if isinstance(value, dict) else value
    return result
