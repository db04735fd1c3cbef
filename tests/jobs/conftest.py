"""A database with the tables of jobs alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tortoise.connection import get_connection
from tortoise.utils import generate_schema_for_client

from muntin.configuration import Configuration
from muntin.database import App, close_database, open_database
from muntin.testing.stores import Store

APPS = [App("core", ("muntin.jobs.models", "muntin.bus.models"), "")]


async def make_tables(url: str) -> None:
    await open_database(url, APPS)
    await generate_schema_for_client(get_connection("default"), safe=True)
    await close_database()


@pytest.fixture
async def configuration(store: Store, tmp_path: Path) -> AsyncIterator[Configuration]:
    """A fresh database with the tables, open in this process."""
    url = store.prepared("jobs", make_tables)
    configuration = Configuration(database_url=url, data_dir=tmp_path, _env_file=None)
    await open_database(configuration.store_url, APPS)
    yield configuration
    await close_database()
