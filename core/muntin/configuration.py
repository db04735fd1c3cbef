"""What an operator can set from outside: environment variables and a `.env` file, all optional."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from muntin.docker import docker_answers
from muntin.key_file import KeyFile

SQLITE_PRAGMAS = "busy_timeout=5000&synchronous=NORMAL&cache_size=-16000&mmap_size=67108864&temp_store=MEMORY"


class Configuration(BaseSettings):
    """`MUNTIN_*` as typed values; read once per process and handed to whoever needs it."""

    model_config = SettingsConfigDict(env_prefix="MUNTIN_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Path("data")
    bind: str = "127.0.0.1:8080"
    url: str = ""
    node_bind: str = "127.0.0.1:8081"
    node_sftp_bind: str = "127.0.0.1:2022"
    node_ca_file: Path | None = None  # PEM; believed of nodes beside the public authorities
    outgoing_ca_file: Path | None = None  # PEM; believed beside them of what users name: webhooks, downloads
    database_url: str = ""
    redis_url: str = ""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    secret_key: SecretStr | None = None
    secret_key_previous: SecretStr | None = None  # comma-separated; read with, never encrypted with
    admin_email: str = ""
    admin_password: SecretStr | None = None
    plugins: Annotated[tuple[str, ...] | None, NoDecode] = None
    plugin_install: bool = False  # whether administrators may upload plugins on the page
    smtp_url: SecretStr | None = None
    log_format: Literal["text", "json"] = "text"
    web_processes: int = Field(default=1, ge=1, le=64)
    process_memory_mib: int = Field(default=1024, ge=0)  # of a web process or worker; above it is replaced; 0: no limit
    local_node: Literal["auto", "always", "never"] = "auto"  # auto: when a Docker engine answers

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("plugins", mode="before")
    @classmethod
    def _plugin_set(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = tuple(part.strip() for part in value.split(",") if part.strip())
        return () if names == ("none",) else names

    @property
    def public_url(self) -> str:
        """The address people and nodes reach the panel at, without a trailing slash."""
        return (self.url or f"http://{self.bind}").rstrip("/")

    @property
    def store_url(self) -> str:
        """The database the panel stores in, as Tortoise reads it."""
        if not self.database_url:
            return f"sqlite://{self.data_dir.absolute() / 'muntin.sqlite3'}?{SQLITE_PRAGMAS}"
        if self.database_url.startswith("sqlite:") and "?" not in self.database_url:
            return f"{self.database_url}?{SQLITE_PRAGMAS}"
        for alias in ("postgresql://", "postgres://"):
            if self.database_url.startswith(alias):
                return "asyncpg://" + self.database_url.removeprefix(alias)
        return self.database_url

    @property
    def on_sqlite(self) -> bool:
        """Whether the store is SQLite (one machine) rather than PostgreSQL."""
        return self.store_url.startswith("sqlite:")

    @property
    def safe_mode(self) -> bool:
        """Whether no plugin may be loaded: `MUNTIN_PLUGINS=none`, or a file `safe-mode` in the data dir."""
        return self.plugins == () or (self.data_dir / "safe-mode").exists()

    @property
    def wants_local_node(self) -> bool:
        """Whether this machine is to be a node too."""
        return self.local_node == "always" or (self.local_node == "auto" and docker_answers())

    @property
    def bus_path(self) -> Path:
        """The unix socket on which the processes of this machine tell each other things."""
        return self.data_dir.absolute() / "bus.sock"

    @property
    def key(self) -> bytes:
        """The installation's secret; everything signed or encrypted is derived from it.

        Made once and kept in the data dir (mode 0600) when the environment names none.
        """
        return self.keys[0]

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The secret, then those with which older values can be read. A change of the key file holds at once."""
        named = self.secret_key.get_secret_value() if self.secret_key is not None else None
        own = (named.encode(),) if named is not None else self.key_file.keys()
        more = self.secret_key_previous.get_secret_value().split(",") if self.secret_key_previous else []
        return own + tuple(one.strip().encode() for one in more if one.strip())

    @cached_property
    def key_file(self) -> KeyFile:
        """Where the secret is kept when the environment names none."""
        return KeyFile(self.data_dir / "secret.key")
