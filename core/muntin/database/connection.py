"""The one connection (SQLite) or pool (PostgreSQL) of a process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext

from muntin.database.apps import App

CONNECTION = "default"
"""The name under which Tortoise knows the only connection there is."""

Dialect = Literal["sqlite", "postgres"]

_SERVING_POOL = {"minsize": "1", "maxsize": "10"}
_MIGRATING_POOL = {"minsize": "1", "maxsize": "2"}
_opened: list[TortoiseContext] = []


def tortoise_config(store_url: str, apps: Iterable[App], *, migrating: bool = False) -> dict[str, Any]:
    """What Tortoise wants to know about the store and its tables.

    Args:
        migrating: Foreign keys are off on SQLite, since changing a table there means dropping it, and the drop would
            delete the rows of other tables that point to it.
    """
    return {
        "connections": {CONNECTION: _described(store_url, migrating)},
        "apps": {
            app.label: {
                "models": list(app.modules),
                "default_connection": CONNECTION,
                "migrations": app.migrations,
            }
            for app in apps
        },
        "use_tz": True,
        "timezone": "UTC",
    }


async def open_database(store_url: str, apps: Iterable[App]) -> None:
    """Connect, and make the tables of `apps` usable in every task of this process.

    Raises:
        RuntimeError: This process has a database open already.
    """
    if _opened:
        raise RuntimeError("the database of this process is open already")
    context = TortoiseContext()
    EXECUTOR_CACHE.clear()  # statements for a database of another kind that was open before, as in tests
    with context:  # for the time of setting up; afterwards every task finds it as the global one
        await context.init(config=tortoise_config(store_url, apps), _enable_global_fallback=True)
    _opened.append(context)
    try:
        await ping()
    except BaseException:
        await close_database()
        raise


async def close_database() -> None:
    """Let go of the connection; does nothing when none is open."""
    if _opened:
        await _opened.pop().close_connections()


async def ping() -> None:
    """Ask the store something trivial; raises what the driver raises when it does not answer."""
    await get_connection(CONNECTION).execute_query("SELECT 1")


def database_dialect() -> Dialect:
    """Which SQL the open database speaks."""
    dialect = get_connection(CONNECTION).capabilities.dialect
    return "sqlite" if dialect == "sqlite" else "postgres"


class PooledConnection(asyncpg.Connection):
    """Goes back to the pool without asking the server to forget what it was used for.

    Nothing that outlives a transaction is done on these connections: the bus and the workers' locks have their own. The
    question would be one more round trip for each statement.
    """

    def get_reset_query(self) -> str:
        """Nothing."""
        return ""


def _described(store_url: str, migrating: bool) -> str | dict[str, Any]:
    """The address with what we need of the connection, unless the operator said otherwise there."""
    if store_url.startswith("sqlite:"):
        return _with_options(store_url, {}, {"foreign_keys": "OFF"} if migrating else {})
    described = expand_db_url(_with_options(store_url, _MIGRATING_POOL if migrating else _SERVING_POOL, {}))
    described["credentials"]["connection_class"] = PooledConnection
    return described


def _with_options(url: str, defaults: dict[str, str], forced: dict[str, str]) -> str:
    """Set query options textually: urllib would mend the slashes of sqlite's relative addresses."""
    options = defaults | dict(parse_qsl(urlsplit(url).query)) | forced
    base = url.split("?", 1)[0]
    return f"{base}?{urlencode(options)}" if options else base
