"""Queries whose SQL is built once: half the time of a list goes into building its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from muntin.database.connection import Dialect, database_dialect
from muntin.database.statements import fetch_numbered


class _Describable(Protocol):
    """A Tortoise query; `sql()` is its public description."""

    def sql(self, params_inline: bool = False) -> str: ...


class CompiledQuery:
    """A `.values()` query of fixed shape that runs with fresh values each time.

        _OWNED = CompiledQuery(
            lambda: ServerRow.filter(owner_id=UUID(int=0)).order_by("id").offset(1).limit(25).values("id", "name")
        )
        rows = await _OWNED.rows(owner_id, 25, 0)

    The values of the shape only stand for their places. Values are given in the order in which they stand in the SQL
    (`text()` shows it: conditions, then limit, then offset). A list of other length (`id__in`) is another shape. Rows
    are as `fetch_all` gives them.
    """

    def __init__(self, shape: Callable[[], _Describable]) -> None:
        self._shape = shape
        self._texts: dict[Dialect, str] = {}

    def text(self) -> str:
        """The SQL for the open database."""
        dialect = database_dialect()
        if dialect not in self._texts:
            self._texts[dialect] = self._shape().sql()
        return self._texts[dialect]

    async def rows(self, *values: object) -> list[dict[str, Any]]:
        """Run it; joins the transaction that is open in this task."""
        return await fetch_numbered(self.text(), values)
