"""What every table of the panel and of its plugins begins with."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.manager import Manager
from tortoise.models import Model, ModelMeta
from tortoise.queryset import QuerySet, UpdateQuery

from muntin import clock
from muntin.database.identifiers import uuid7


class Rows(QuerySet[Any]):
    """Rows whose bulk `update` keeps `updated_at`, as `save` does."""

    def update(self, **changes: Any) -> UpdateQuery:
        """Change all of them in one statement.

        `updated_at` is now, unless it is named, or only columns `last_*` change: those say that a row was used or seen.
        """
        is_seen_only = all(name.startswith("last_") for name in changes)
        if "updated_at" in self.model._meta.fields_map and not is_seen_only:
            changes.setdefault("updated_at", clock.now())
        return super().update(**changes)


class RowsManager(Manager):
    """Where every query of a table begins."""

    def get_queryset(self) -> QuerySet[Any]:
        """All rows."""
        return Rows(self._model)


class TableMeta(ModelMeta):
    """Gives each table `Rows`, and makes its class a hundred times faster.

    Tortoise parses the source file of every class for comments that begin with `#:`, unless told not to; nobody writes
    any here.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        """The class."""
        made: Any = super().__new__(cls, name, bases, {"_no_comments": True, **attrs})
        if type(made._meta.manager) is Manager:
            made._meta.manager = RowsManager(made)
        return made


class Table(Model, metaclass=TableMeta):
    """A row with an identifier that sorts by age, and the times it was made and last changed.

    `updated_at` follows `save()` and bulk `update()`; SQL written by hand has to set it.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        abstract = True
