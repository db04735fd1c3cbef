"""Reading servers with all that is shown beside them, in one statement written by hand.

The list of servers is the most asked page of the panel; the object mapper takes longer to write this statement than the
database to answer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from muntin.database import fetch_all, fetch_list


class Found(NamedTuple):
    """Columns of a server, those of its node as `node_*`, of its primary allocation as `port_*`, all as `fetch_list`
    gives them.

    Attributes:
        shared: The permissions it is shared with, JSON.
        total: How many servers fit in all.
    """

    id: str
    short_id: str
    external_id: str | None
    name: str
    description: str | None
    owner_id: str
    node_id: str
    egg_id: str
    allocation_id: str | None
    memory_mib: int
    swap_mib: int
    disk_mib: int
    io_weight: int
    cpu_percent: int
    databases_limit: int
    backups_limit: int
    allocations_limit: int
    image: str
    startup: str
    environment: Any
    stage: str
    is_suspended: int | bool
    power: str
    problem: str
    installed_at: str | None
    created_at: str
    updated_at: str
    node_fqdn: str
    node_sftp_port: int
    port_ip: str | None
    port_alias: str | None
    port_port: int
    port_notes: str | None
    port_created_at: str
    shared: Any
    total: int


_TABLES = {"node": "n", "port": "a"}
_COLUMNS = ", ".join(
    f"{_TABLES[table]}.{column} AS {table}_{column}" if table in _TABLES and name != "node_id" else f"s.{name}"
    for name in Found._fields[: Found._fields.index("shared")]
    for table, _separator, column in [name.partition("_")]
)
_JOINED = """
    JOIN gameservers_server s ON s.id = chosen.id
    JOIN core_node n ON n.id = s.node_id
    LEFT JOIN gameservers_allocation a ON a.id = s.allocation_id AND a.server_id = s.id
    LEFT JOIN gameservers_subuser u ON u.server_id = s.id AND u.account_id = ?
"""
_ALL = "gameservers_server s"
_SHARED = "gameservers_subuser v JOIN gameservers_server s ON s.id = v.server_id"


class Conditions:
    """What servers (`s`) have to be, as SQL with `?` for each value."""

    def __init__(self, source: str = _ALL) -> None:
        self._source = source
        self._texts: list[str] = []
        self.values: list[object] = []

    def add(self, sql: str, *values: object) -> None:
        """One more that has to hold."""
        self._texts.append(sql)
        self.values += values

    @property
    def sql(self) -> str:
        """FROM and WHERE."""
        return f"FROM {self._source} WHERE {' AND '.join(self._texts) or '1 = 1'}"


def owned_by(account_id: UUID | None) -> Conditions:
    """The servers of an account."""
    conditions = Conditions()
    conditions.add("s.owner_id = ?", account_id)
    return conditions


def shared_with(account_id: UUID | None) -> Conditions:
    """The servers of others that an account shares in."""
    conditions = Conditions(_SHARED)
    conditions.add("v.account_id = ? AND s.owner_id <> ?", account_id, account_id)
    return conditions


async def find_page(
    among: Sequence[Conditions], order: Sequence[str], *, limit: int, offset: int, viewer_id: UUID | None
) -> tuple[list[Found], int]:
    """One page of the servers that fit one of the conditions, and how many fit in all.

    Args:
        among: No server may fit two of them. Each is read by an index of its own and cut before they are put together;
            with `OR` the database would read and sort every server of the account.
        order: Columns, with `-` before those that descend; the last makes it unambiguous.
        viewer_id: The account whose shares are read.
    """
    by = ", ".join(f"s.{name[1:]} DESC" if name.startswith("-") else f"s.{name}" for name in order)
    columns = ", ".join(f"s.{name.removeprefix('-')}" for name in order)
    # Columns and conditions are ours; values are never in the text.
    total = " + ".join(f"(SELECT COUNT(*) {one.sql})" for one in among)
    parts = " UNION ALL ".join(
        f"SELECT * FROM (SELECT {columns} {one.sql} ORDER BY {by} LIMIT ?) part{number}"  # noqa: S608
        for number, one in enumerate(among)
    )
    counted = [value for one in among for value in one.values]
    cut = [value for one in among for value in (*one.values, limit + offset)]
    rows = await fetch_list(
        Found,
        f"SELECT {_COLUMNS}, u.permissions AS shared, {total} AS total FROM "  # noqa: S608
        f"(SELECT s.id FROM ({parts}) s ORDER BY {by} LIMIT ? OFFSET ?) chosen {_JOINED} ORDER BY {by}",
        [*counted, *cut, limit, offset, viewer_id],
    )
    if not rows and offset:
        return [], (await fetch_all(f"SELECT {total} AS total", counted))[0]["total"]
    return rows, rows[0].total if rows else 0


async def find_one(server_id: UUID, *, viewer_id: UUID | None) -> Found | None:
    """One server, if it is there."""
    conditions = Conditions()
    conditions.add("s.id = ?", server_id)
    rows, _total = await find_page([conditions], ["id"], limit=1, offset=0, viewer_id=viewer_id)
    return rows[0] if rows else None
