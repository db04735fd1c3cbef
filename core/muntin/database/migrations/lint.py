"""What a migration file must not do, found before it meets a filled database."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from tortoise.fields.base import Field, OnDelete
from tortoise.fields.relational import ForeignKeyFieldInstance, ManyToManyFieldInstance
from tortoise.migrations.migration import Migration
from tortoise.migrations.operations import AddField, AlterField, CreateModel, Operation

from muntin.database.apps import App


def lint_migrations(app: App) -> list[str]:
    """Every problem as "name: sentence", in the order of the files; empty is good."""
    return [f"{name}: {problem}" for name, migration in _files(app) for problem in _problems(app, migration)]


def _files(app: App) -> Iterator[tuple[str, type[Migration]]]:
    package = importlib.import_module(app.migrations)
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
        if not module.ispkg and module.name[0] not in "_~":
            yield module.name, importlib.import_module(f"{app.migrations}.{module.name}").Migration


def _problems(app: App, migration: type[Migration]) -> Iterator[str]:
    for operation in migration.operations:
        for where, field in _fields(operation):
            yield from _field_problems(app, where, field)
        if isinstance(operation, AddField):
            yield from _added_column_problems(operation)


def _fields(operation: Operation) -> Iterator[tuple[str, Field[Any]]]:
    if isinstance(operation, CreateModel):
        fields = [(f"{operation.name}.{name}", field) for name, field in operation.fields]
    elif isinstance(operation, AddField | AlterField):
        fields = [(f"{operation.model_name}.{operation.name}", operation.field)]
    else:
        fields = []
    yield from ((where, field) for where, field in fields if isinstance(field, Field))


def _field_problems(app: App, where: str, field: Field[Any]) -> Iterator[str]:
    if (
        isinstance(field, ForeignKeyFieldInstance)
        and _points_elsewhere(app, field)
        and field.on_delete not in (OnDelete.RESTRICT, OnDelete.SET_NULL, OnDelete.NO_ACTION)
    ):
        yield f"{where} points to another app with {field.on_delete.value}; use RESTRICT or SET_NULL"


def _points_elsewhere(app: App, field: ForeignKeyFieldInstance[Any]) -> bool:
    target = field.model_name
    return isinstance(target, str) and target.split(".", 1)[0] != app.label


def _added_column_problems(operation: AddField) -> Iterator[str]:
    field = operation.field
    if not isinstance(field, Field) or isinstance(field, ManyToManyFieldInstance):
        return  # rows in a table of their own
    if field.null or field.has_db_default():
        return
    yield (
        f"{operation.model_name}.{operation.name} is added without null=True or db_default=; "
        "rows that exist have no value for it"
    )
