"""Changing tables on SQLite without losing anything.

SQLite cannot alter a column; Tortoise makes a new table, copies the rows and drops the old one. Its version forgets
indexes and uniques on the way. (The rows of child tables are safe because migrations run with foreign keys off.)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.fields.base import Field
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.migrations.schema_editor import SqliteSchemaEditor
from tortoise.models import Model

AlteredFields = Sequence[tuple[Field[Any], Field[Any]]]


@dataclass(frozen=True, slots=True)
class IndexOnDisk:
    """One index as SQLite knows it; an expression is not a column and stands as None."""

    name: str
    columns: tuple[str | None, ...]
    is_unique: bool
    origin: str  # "c" made by CREATE INDEX, "u" by a UNIQUE in the table, "pk"
    sql: str | None  # None for those that belong to the table
    is_partial: bool


class SafeSqlite(SqliteSchemaEditor):
    """Tortoise's editor, with what a remade table had put back."""

    async def _run_sql(self, sql: str) -> None:
        """The stock version splits at every semicolon, also inside a comment (a docstring) or a literal."""
        if self.collect_sql or not self.atomic_migration:
            await super()._run_sql(sql)
            return
        for statement in split_statements(sql):
            await self.client.execute_query(statement)

    async def _remake_table(
        self,
        model: type[Model],
        create_field: Field[Any] | None = None,
        delete_field: Field[Any] | None = None,
        alter_fields: AlteredFields | None = None,
    ) -> None:
        altered = list(alter_fields or [])
        table = model._meta.db_table
        before = [] if self.collect_sql else await self._indexes(table)
        await super()._remake_table(model, create_field, delete_field, altered)
        if self.collect_sql:
            return
        columns = await self._columns(table)
        renamed = {_column(old): _column(new) for old, new in altered}
        for index in before:
            if not _is_unwanted(index, altered):
                await self._put_back(table, index, renamed, columns)
        for old, new in altered:
            if new.index and not old.index:
                await self._add_missing(model, _column(new), is_unique=False)

    async def remove_constraint(self, model: type[Model], constraint: UniqueConstraint | CheckConstraint) -> None:
        """A UNIQUE inside the table cannot be dropped; a remade table has it as an index, which can."""
        if isinstance(constraint, UniqueConstraint) and not self.collect_sql:
            wanted = tuple(self._resolve_fields_to_columns(model, constraint.fields))
            indexes = await self._indexes(model._meta.db_table)
            if any(index.origin == "u" and index.columns == wanted for index in indexes):
                await self._remake_table(model)
        await super().remove_constraint(model, constraint)

    async def _get_unique_constraint_names_from_db(
        self, table_name: str, column_names: list[str], schema: str | None = None
    ) -> list[str]:
        """The stock version asks rows for `.get`, which they do not have, and always answers nothing."""
        return [
            index.name
            for index in await self._indexes(table_name)
            if index.is_unique and index.origin != "pk" and list(index.columns) == column_names
        ]

    async def _put_back(
        self, table: str, index: IndexOnDisk, renamed: Mapping[str, str], columns: frozenset[str]
    ) -> None:
        if index.origin == "pk":
            return
        if index.is_partial or None in index.columns:
            await self._run_sql(str(index.sql))  # fails loudly when it names a column that is gone
            return
        wanted = tuple(renamed.get(column, column) for column in index.columns if column is not None)
        there = await self._indexes(table)
        is_there = any(one.columns == wanted and (one.is_unique or not index.is_unique) for one in there)
        if not is_there and columns.issuperset(wanted):
            name = index.name if index.origin == "c" else f"uid_{table}_{'_'.join(wanted)}"
            await self._create_index(name, table, wanted, is_unique=index.is_unique)

    async def _add_missing(self, model: type[Model], column: str, *, is_unique: bool) -> None:
        name = self._generate_index_name("idx", model, [column])
        table = model._meta.db_table
        if not any(index.columns == (column,) for index in await self._indexes(table)):
            await self._create_index(name, table, (column,), is_unique=is_unique)

    async def _create_index(self, name: str, table: str, columns: Sequence[str], *, is_unique: bool) -> None:
        kind = "UNIQUE INDEX" if is_unique else "INDEX"
        places = ", ".join(f'"{column}"' for column in columns)
        await self._run_sql(f'CREATE {kind} "{name}" ON "{table}" ({places})')

    async def _columns(self, table: str) -> frozenset[str]:
        rows = await self.client.execute_query_dict(f'PRAGMA table_info("{table}")')
        return frozenset(row["name"] for row in rows)

    async def _indexes(self, table: str) -> list[IndexOnDisk]:
        found = []
        for row in await self.client.execute_query_dict(f'PRAGMA index_list("{table}")'):
            columns = await self.client.execute_query_dict(f'PRAGMA index_info("{row["name"]}")')
            [master] = await self.client.execute_query_dict(
                "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", [row["name"]]
            )
            found.append(
                IndexOnDisk(
                    name=row["name"],
                    columns=tuple(column["name"] for column in columns),
                    is_unique=bool(row["unique"]),
                    origin=row["origin"],
                    sql=master["sql"],
                    is_partial=bool(row["partial"]),
                )
            )
        return found


def split_statements(sql: str) -> Iterator[str]:
    """The statements of a script, each complete as SQLite sees it."""
    begun = ""
    for piece in sql.split(";"):
        begun += piece
        if not begun.strip():
            begun = ""
        elif sqlite3.complete_statement(begun + ";"):
            yield begun.strip()
            begun = ""
        else:
            begun += ";"
    if begun.strip():
        yield begun.strip()


def _column(field: Field[Any]) -> str:
    return str(field.source_field or field.model_field_name)


def _is_unwanted(index: IndexOnDisk, altered: AlteredFields) -> bool:
    """Whether the change of a field is that it has this index no more."""
    for old, new in altered:
        if index.columns == (_column(old),):
            was = old.unique if index.is_unique else old.index
            is_ = new.unique if index.is_unique else new.index
            if was and not is_ and not isinstance(new, ForeignKeyFieldInstance):
                return True
    return False
