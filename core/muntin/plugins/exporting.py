"""A plugin's data as a zip of JSON files that any program can read.

    export.json           format, plugin, version, when, migrations, settings without secrets, tables with their counts
    tables/<table>.json   {"table", "columns": [{"name", "kind"}], "rows": [{column: value}]}

Identifiers and times are text (times ISO 8601, UTC), binary values `{"base64": text}`, JSON columns what they hold.
"""

from __future__ import annotations

import base64
import os
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from muntin.database import fetch_all, read_json
from muntin.plugins.footprint import Footprint
from muntin.plugins.models import PluginRow
from muntin.plugins.tables_of import Column, columns_of, rows_of, tables_of
from muntin.settings.models import SettingRow

FORMAT = 1
_ENCRYPTED = re.compile(r"v\d+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")


async def export_plugin(plugin: str, path: Path) -> dict[str, int]:
    """Write the file, readable by its owner only; table -> how many rows.

    Raises:
        OSError: It cannot be written; nothing is left.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            counts = {table: await _write_table(archive, table) for table in await tables_of(plugin)}
            archive.writestr("export.json", orjson.dumps(await _about(plugin, counts), option=orjson.OPT_INDENT_2))
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return counts


async def _about(plugin: str, counts: dict[str, int]) -> dict[str, Any]:
    row = await PluginRow.get_or_none(name=plugin)
    footprint = Footprint.from_json(row.footprint if row else None)
    applied = await fetch_all("SELECT name FROM tortoise_migrations WHERE app = ? ORDER BY name", [plugin])
    settings = {one.section: one.values for one in await SettingRow.filter(section__in=footprint.settings)}
    return {
        "format": FORMAT,
        "plugin": plugin,
        "version": row.version if row else "",
        "exported_at": datetime.now(UTC),
        "migrations": [one["name"] for one in applied],
        "settings": {section: _without_secrets(values) for section, values in settings.items()},
        "tables": counts,
    }


def _without_secrets(values: dict[str, Any]) -> dict[str, Any]:
    """Encrypted values can be read by this panel only, so they are left out."""
    return {name: value for name, value in values.items() if not (isinstance(value, str) and _ENCRYPTED.match(value))}


async def _write_table(archive: zipfile.ZipFile, table: str) -> int:
    columns = await columns_of(table)
    shown = [{"name": one.name, "kind": one.kind} for one in columns]
    count = 0
    with archive.open(f"tables/{table}.json", "w", force_zip64=True) as file:
        file.write(b'{"table":' + orjson.dumps(table) + b',"columns":' + orjson.dumps(shown) + b',"rows":[')
        async for row in rows_of(table, columns):
            values = {one.name: _plain(one, row[one.name]) for one in columns}
            file.write((b",\n" if count else b"\n") + orjson.dumps(values))
            count += 1
        file.write(b"\n]}\n")
    return count


def _plain(column: Column, value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, UUID | Decimal | date):
        return str(value)
    if column.kind.startswith("json") and isinstance(value, str):
        return read_json(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
