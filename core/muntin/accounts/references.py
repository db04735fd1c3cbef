"""Who in the database refers to an account: also plugins that are not loaded and cannot be asked."""

from __future__ import annotations

from uuid import UUID

from muntin.database import database_dialect, fetch_all

_TABLE = "core_account"
_SQLITE = """
SELECT m.name AS table_name, k."from" AS column_name, k.on_delete AS action
FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) k
WHERE m.type = 'table' AND k."table" = ?
"""
_POSTGRES = """
SELECT c.conrelid::regclass::text AS table_name, a.attname AS column_name,
       CASE c.confdeltype WHEN 'r' THEN 'RESTRICT' WHEN 'a' THEN 'NO ACTION' ELSE 'OTHER' END AS action
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND c.confrelid = ?::regclass
"""


async def plugins_referring_to(account_id: UUID) -> list[str]:
    """Names of plugins whose rows forbid that the account goes, loaded or not; by the names of their tables."""
    plugins: set[str] = set()
    for table, column in await _restricting_columns():
        # The names come from the database's own catalogue, not from anybody's input.
        rows = await fetch_all(f'SELECT 1 FROM "{table}" WHERE "{column}" = ? LIMIT 1', [account_id])  # noqa: S608
        if rows:
            plugins.add(table.split("_", 1)[0])
    return sorted(plugins)


async def _restricting_columns() -> list[tuple[str, str]]:
    rows = await fetch_all(_SQLITE if database_dialect() == "sqlite" else _POSTGRES, [_TABLE])
    return [
        (str(row["table_name"]).strip('"'), str(row["column_name"]))
        for row in rows
        if row["action"] in ("RESTRICT", "NO ACTION")
    ]
