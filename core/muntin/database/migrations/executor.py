"""Which migrations are to run, and running one of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget, PlanStep
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.transactions import in_transaction

from muntin.database.migrations.sqlite import SafeSqlite
from muntin.database.migrations.states import empty_state


class StillNeeded(Exception):
    """Another app's migrations build on the one that is to be purged.

    `by` holds the labels of those apps.
    """

    def __init__(self, label: str, by: set[str]) -> None:
        super().__init__(f"the tables of {label} are still needed by {', '.join(sorted(by))}")
        self.label = label
        self.by = frozenset(by)


class BrokenReferences(Exception):
    """A migration would have left rows that point to nothing."""


class Executor(MigrationExecutor):
    """Tortoise's planning, with our editor for SQLite and one transaction per migration, its note included."""

    _reached: tuple[frozenset[MigrationKey], State] | None = None

    def _schema_editor(self, atomic: bool = True, collect_sql: bool = False) -> BaseSchemaEditor:
        if self.connection.capabilities.dialect == "sqlite":
            return SafeSqlite(self.connection, atomic=atomic, collect_sql=collect_sql)
        return super()._schema_editor(atomic, collect_sql)

    async def _project_state(self, applied: set[MigrationKey], *, upto: MigrationKey | None = None) -> State:
        """The tables after these migrations; after one that just ran they are known."""
        if upto is None and self._reached and self._reached[0] == applied:
            return self._reached[1]
        state = empty_state(self.loader.apps_config)
        for key in self._full_plan():
            if upto and key == upto:
                break
            if key in applied:
                migration = self.loader.graph.nodes[key]
                if migration is None:
                    raise ValueError(f"Missing migration for {key}")
                await migration.apply(state, dry_run=True, schema_editor=None)
        return state

    async def prepare(self) -> set[MigrationKey]:
        """Read the migration files and the history; the migrations that ran already."""
        await self.loader.build_graph()
        await self.recorder.ensure_schema(self._schema_editor(atomic=False))
        return set(await self.recorder.applied_migrations())

    async def forward_plan(self) -> list[PlanStep]:
        """What is not applied yet, of the whole graph: a single app as a target would leave out its parents."""
        self._full_plan_cache = None
        return await self.plan(None)

    def uninstall_plan(self, label: str, applied: set[MigrationKey]) -> list[PlanStep]:
        """How to undo every migration of an app, newest first.

        Raises:
            StillNeeded: Other apps would be undone with it.
        """
        plan: list[PlanStep] = []
        for key in sorted(key for key in self.loader.graph.nodes if key.app_label == label):
            target = MigrationTarget(app_label=label, name=key.name)
            plan += self._backward_plan(target, applied, self.loader.graph, include_target=True)
        others = {step.migration.app_label for step in plan} - {label}
        if others:
            raise StillNeeded(label, others)
        return self._newest_first(plan)

    def undo_plan(self, names: Collection[str], applied: set[MigrationKey]) -> list[PlanStep]:
        """How to undo these migrations ("label.name") and what builds on them, newest first."""
        plan: list[PlanStep] = []
        for key in sorted(key for key in self.loader.graph.nodes if key in applied):
            if f"{key.app_label}.{key.name}" in names:
                target = MigrationTarget(app_label=key.app_label, name=key.name)
                plan += self._backward_plan(target, applied, self.loader.graph, include_target=True)
        return self._newest_first(plan)

    async def run(self, step: PlanStep, applied: set[MigrationKey]) -> None:
        """Run one step and note it; both or neither."""
        key = MigrationKey(app_label=step.migration.app_label, name=step.migration.name)
        state = await (self._project_state(applied, upto=key) if step.backward else self._project_state(applied))
        self._reached = None  # it is changed on the way
        editor = self._schema_editor(atomic=step.migration.atomic)
        if not editor.atomic_migration:
            await self._change(step, state, editor)
            await self._note(step, key, self.connection)
            self._reach(step, state, applied | {key})
            return
        async with in_transaction(self.connection.connection_name) as connection:
            await _write_first(connection)
            editor.client = connection
            await self._change(step, state, editor)
            await _check_references(connection)
            await self._note(step, key, connection)
        self._reach(step, state, applied | {key})

    def _reach(self, step: PlanStep, state: State, applied: set[MigrationKey]) -> None:
        if not step.backward:
            self._reached = frozenset(applied), state

    async def _change(self, step: PlanStep, state: State, editor: BaseSchemaEditor) -> None:
        if step.backward:
            await step.migration.unapply(state, schema_editor=editor)
        else:
            await step.migration.apply(state, schema_editor=editor)

    async def _note(self, step: PlanStep, key: MigrationKey, connection: BaseDBAsyncClient) -> None:
        recorder = MigrationRecorder(connection)
        if step.backward:
            await recorder.record_unapplied(key.app_label, key.name)
        else:
            await recorder.record_applied(key.app_label, key.name)

    def _newest_first(self, plan: Sequence[PlanStep]) -> list[PlanStep]:
        """Each step once, children before their parents."""
        wanted = {(step.migration.app_label, step.migration.name): step for step in plan}
        order = [(key.app_label, key.name) for key in reversed(self._full_plan())]
        return [wanted[key] for key in order if key in wanted]


async def _write_first(connection: BaseDBAsyncClient) -> None:
    if connection.capabilities.dialect == "sqlite":
        await connection.execute_script("BEGIN IMMEDIATE")


async def _check_references(connection: BaseDBAsyncClient) -> None:
    """Foreign keys are off on SQLite while tables are remade, so look afterwards."""
    if connection.capabilities.dialect != "sqlite":
        return
    broken: list[dict[str, Any]] = await connection.execute_query_dict("PRAGMA foreign_key_check")
    if broken:
        tables = sorted({f"{row['table']} -> {row['parent']}" for row in broken})
        raise BrokenReferences(f"{len(broken)} rows would point to nothing: {', '.join(tables)}")
