"""The core's own tables: what the migrations make is what the models describe."""

from __future__ import annotations

from muntin.core_plugin import muntin_models
from muntin.database import App
from muntin.database.migrations import has_drifted, lint_migrations, migrate, purge
from muntin.testing.drift import drift
from muntin.testing.schemas import read_schema
from muntin.testing.stores import Store

_MODELS = muntin_models()
CORE = App(label=_MODELS.label, models=_MODELS.modules, migrations=_MODELS.migrations)


async def test_core_models_have_not_changed_since_their_last_migration() -> None:
    assert not await has_drifted([CORE], "core")


def test_core_migrations_are_fit_for_filled_databases() -> None:
    assert lint_migrations(CORE) == []


async def test_core_migrations_make_what_the_models_describe(store: Store) -> None:
    assert await drift(store.empty(), store.empty(), [CORE]) == []


async def test_core_tables_can_be_taken_down_and_put_up_again(store: Store) -> None:
    url = store.empty()
    await migrate(url, [CORE])
    before = await read_schema(url)

    await purge(url, [CORE], "core")
    assert await read_schema(url) == {}
    await migrate(url, [CORE])

    assert await read_schema(url) == before
