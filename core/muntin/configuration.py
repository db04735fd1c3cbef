"""What an operator can set from outside: environment variables and a `.env` file, all optional."""

from __future__ import annotations

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from muntin.docker import docker_answers

SQLITE_PRAGMAS = "busy_timeout=5000&synchronous=NORMAL&cache_size=-16000&mmap_size=67108864&temp_store=MEMORY"


class Configuration(BaseSettings):
    """`MUNTIN_*` as typed values; read once per process and handed to whoever needs it."""

    model_config = SettingsConfigDict(env_prefix="MUNTIN_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Path("data")
    bind: str = "127.0.0.1:8080"
    url: str = ""
    node_bind: str = "127.0.0.1:8081"
    node_sftp_bind: str = "127.0.0.1:2022"
    database_url: str = ""
    redis_url: str = ""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    secret_key: SecretStr | None = None
    admin_email: str = ""
    admin_password: SecretStr | None = None
    plugins: Annotated[tuple[str, ...] | None, NoDecode] = None
    smtp_url: SecretStr | None = None
    log_format: Literal["text", "json"] = "text"
    web_processes: int = Field(default=1, ge=1, le=64)
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

    @cached_property
    def key(self) -> bytes:
        """The installation's secret; everything signed or encrypted is derived from it.

        Made once and kept in the data dir (mode 0600) when the environment names none.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        path = self.data_dir / "secret.key"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_once(path, secrets.token_urlsafe(48))
        return path.read_text().strip().encode()


def _write_once(path: Path, text: str) -> None:
    """Create the file with mode 0600 unless another process was faster."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # the other process's key stands
    finally:
        draft.unlink()
