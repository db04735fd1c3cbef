"""What was still to be removed on nodes before servers could move is still to be removed afterwards."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from tortoise.exceptions import IntegrityError

from muntin.configuration import Configuration
from muntin.database import close_database, open_database, uuid7
from muntin.database.migrations import migrate
from muntin.database.migrations.runner import undo
from muntin.panel import Panel
from muntin.testing.stores import Store
from muntin_gameservers.models import LeftoverRow

MIGRATION = "gameservers.0002_transfers"


async def test_leftovers_are_kept_and_from_then_on_one_server_may_have_several(store: Store, tmp_path: Path) -> None:
    blank = Configuration(data_dir=tmp_path, database_url=store.url, secret_key="k" * 32, plugins=("gameservers",))
    apps = Panel(blank, process="command").apps
    server_id, nodes = uuid4(), [uuid4(), uuid4()]

    done = await migrate(store.url, apps)
    undone = await undo(store.url, apps, {MIGRATION})
    await open_database(store.url, apps)
    try:
        await LeftoverRow.create(id=uuid7(), node_id=nodes[0], server_id=server_id)
        with pytest.raises(IntegrityError):
            await LeftoverRow.create(node_id=nodes[1], server_id=server_id)
    finally:
        await close_database()
    again = await migrate(store.url, apps)
    await open_database(store.url, apps)
    try:
        await LeftoverRow.create(node_id=nodes[1], server_id=server_id)
        with pytest.raises(IntegrityError):
            await LeftoverRow.create(node_id=nodes[1], server_id=server_id)
        kept = await LeftoverRow.all().order_by("created_at").values_list("node_id", "server_id")
    finally:
        await close_database()

    assert MIGRATION in done
    assert (undone, again) == ([MIGRATION], [MIGRATION])
    assert kept == [(node_id, server_id) for node_id in nodes]
