"""The permissions of a plugin wherever somebody holds them: roles, API keys, and the tables of other plugins.

By convention a table keeps permissions that people were given as a JSON list of keys in a column `permissions`; so they
are found without knowing the tables.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from muntin.access import Grants, Permission
from muntin.database import execute, fetch_all, read_json
from muntin.plugins.tables_of import columns_of, other_tables, quoted
from muntin.runtime import panel

COLUMN = "permissions"


async def take_permissions(plugin: str, own: Collection[str]) -> dict[str, int]:
    """Take the plugin's permissions from whoever holds them; table -> in how many rows.

    Args:
        own: The plugin's keys.
    """
    others = {one.value.key for one in panel().registry.known(Permission) if one.plugin != plugin}  # the core's too
    changed: dict[str, int] = {}
    for table, row, keys in await held_permissions(plugin):
        kept = [key for key in keys if not _is_its(str(key), own, others)]
        if kept != keys:
            sql = f"UPDATE {quoted(table)} SET {COLUMN} = ? WHERE id = ?"  # noqa: S608 - quoted, from the catalogue
            await execute(sql, [orjson.dumps(kept).decode(), row])
            changed[table] = changed.get(table, 0) + 1
    return changed


async def held_permissions(plugin: str) -> list[tuple[str, Any, list[Any]]]:
    """(table, id of the row, keys) of every row outside the plugin's own tables that holds permissions."""
    found = []
    for table in await other_tables(plugin):
        columns = {one.name: one.kind for one in await columns_of(table)}
        if "id" in columns and columns.get(COLUMN, "").startswith("json"):
            for row in await fetch_all(f"SELECT id, {COLUMN} FROM {quoted(table)}"):  # noqa: S608 - as above
                keys = read_json(row[COLUMN])
                if isinstance(keys, list) and keys:
                    found.append((table, row["id"], keys))
    return found


def _is_its(key: str, own: Collection[str], others: Collection[str]) -> bool:
    """Whether it is one of the plugin's keys, or a wildcard that stands for nothing but them."""
    if not key.endswith(".*"):
        return key in own
    pattern = Grants((key,))
    return any(map(pattern.allow, own)) and not any(map(pattern.allow, others))
