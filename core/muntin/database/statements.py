"""SQL written by hand, for the few statements the object mapper cannot say or says too slowly."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson
from tortoise.connection import get_connection
from tortoise.models import Model
from tortoise.queryset import QuerySet

from muntin.database.connection import CONNECTION, database_dialect

Row = TypeVar("Row", bound=Model)
Listed = TypeVar("Listed", bound=NamedTuple)
_STATEMENT_LOG = logging.getLogger("tortoise.db_client")


async def fetch_all(sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
    """The rows of one statement, which joins the transaction that is open in this task.

    Args:
        sql: With `?` for each value, on both databases; so a literal in it must hold no `?`.
        values: `UUID`, `datetime` and `Decimal` may stand here whatever the database.

    Returns:
        Column name -> value as the driver gives it: SQLite answers UUIDs, times and JSON as text; see `read_uuid`,
        `read_datetime` and `read_json`.
    """
    return await fetch_numbered(_numbered(sql, database_dialect()), values)


async def fetch_numbered(sql: str, values: Sequence[object]) -> list[dict[str, Any]]:
    """The same for SQL that has its placeholders in the database's own form."""
    dialect = database_dialect()
    connection = get_connection(CONNECTION)
    if dialect != "sqlite":
        return await connection.execute_query_dict(sql, list(values))
    _count, rows = await connection.execute_query(sql, _for_driver(values, dialect))
    names = rows[0].keys() if rows else ()  # read once: `dict(row)` would look them up again for each value
    return [dict(zip(names, row, strict=True)) for row in rows]


async def fetch_list(kind: type[Listed], sql: str, values: Sequence[object] = ()) -> list[Listed]:
    """The rows of one statement, put together by the database; for lists that are asked for often.

    One JSON text comes back instead of a value for each column of each row, which takes less time here. On SQLite the
    thread that reads also asks for the interpreter's lock once, instead of once per row against the loop.

    Args:
        kind: A `NamedTuple` whose fields are called like columns of `sql`.
        sql: As for `fetch_all`; its order is kept.

    Returns:
        Values as JSON has them: UUIDs and times as text, on SQLite booleans as 0 and 1 and JSON as text; `read_uuid`,
        `read_datetime` and `read_json` read them. Not for binary columns.
    """
    [row] = await fetch_numbered(_as_one(kind._fields, sql, database_dialect()), values)
    return [kind(*one) for one in orjson.loads(row["list"] or "[]")]


async def execute(sql: str, values: Sequence[object] = ()) -> int:
    """Run one statement without an answer. Arguments as for `fetch_all`.

    Returns:
        How many rows an UPDATE or DELETE changed. (Of an INSERT Tortoise does not tell on PostgreSQL; ask with
        `RETURNING` and `fetch_all`.)
    """
    dialect = database_dialect()
    connection = get_connection(CONNECTION)
    changed, _rows = await connection.execute_query(_numbered(sql, dialect), _for_driver(values, dialect))
    return changed


async def compare_and_set(rows: QuerySet[Row], **changes: object) -> int:
    """Change the rows that (still) match, in one statement; how many that were.

    Beats reading first and writing later, because nobody can come in between:

        if not await compare_and_set(ServerRow.filter(id=server_id, state="installing"), state="offline"):
            raise Conflict(...)
    """
    return await rows.update(**changes)


def read_uuid(value: Any) -> UUID:
    """A column of identifiers as `fetch_all` gives it."""
    return value if type(value) is UUID else UUID(str(value))


def read_datetime(value: Any) -> datetime:
    """A column of times as `fetch_all` gives it, aware and in UTC."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_json(value: Any) -> Any:
    """A column of JSON as `fetch_all` gives it."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


@contextmanager
def count_statements() -> Iterator[list[str]]:
    """For tests: the SQL of every statement this process runs meanwhile, in order (without BEGIN and COMMIT)."""
    seen = _StatementList()
    level, propagate = _STATEMENT_LOG.level, _STATEMENT_LOG.propagate
    _STATEMENT_LOG.addHandler(seen)
    _STATEMENT_LOG.setLevel(logging.DEBUG)
    _STATEMENT_LOG.propagate = False
    try:
        yield seen.statements
    finally:
        _STATEMENT_LOG.removeHandler(seen)
        _STATEMENT_LOG.setLevel(level)
        _STATEMENT_LOG.propagate = propagate


class _StatementList(logging.Handler):
    """Tortoise logs each statement as its text and its values; what it says of connections is left out."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.statements: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "%s: %s" and isinstance(record.args, tuple):
            self.statements.append(str(record.args[0]))


@lru_cache(maxsize=1024)
def _numbered(sql: str, dialect: str) -> str:
    """PostgreSQL numbers its placeholders."""
    if dialect == "sqlite":
        return sql
    first, *others = sql.split("?")
    return first + "".join(f"${number}{text}" for number, text in enumerate(others, start=1))


@lru_cache(maxsize=1024)
def _as_one(columns: tuple[str, ...], sql: str, dialect: str) -> str:
    """A statement that answers all rows of another as one JSON array."""
    names = ", ".join(columns)
    if dialect != "sqlite":
        text = f"SELECT json_agg(json_build_array({names})) AS list FROM ({sql}) one"  # noqa: S608 - our own text
        return _numbered(text, dialect)
    # With a limit SQLite keeps the order of what is inside, which it otherwise promises to nobody.
    return f"SELECT json_group_array(json_array({names})) AS list FROM (SELECT * FROM ({sql}) LIMIT -1)"  # noqa: S608 - our own text


def _for_driver(values: Sequence[object], dialect: str) -> list[object]:
    return [_as_text(value) for value in values] if dialect == "sqlite" else list(values)


def _as_text(value: object) -> object:
    """SQLite has no such types; this is the text Tortoise stores for them."""
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value
