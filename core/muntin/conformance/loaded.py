"""A plugin in memory, with what the checks ask of it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tortoise import Model

from muntin.conformance.subject import Subject
from muntin.contributions import Models
from muntin.panel import Panel
from muntin.plugins.loading import LoadedPlugin

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The plugin, and a panel (not open) that has loaded it."""

    subject: Subject
    panel: Panel
    plugin: LoadedPlugin

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.plugin.name

    def of(self, kind: type[T]) -> list[T]:
        """Its contributions of a kind."""
        return [one for one in self.plugin.contributions if isinstance(one, kind)]

    def known(self, kind: type[T]) -> list[T]:
        """Contributions of a kind, of everything that is loaded."""
        return [owned.value for owned in self.panel.registry.known(kind)]

    def line_of(self, thing: object) -> str:
        """Where a function or class of the plugin is written."""
        try:
            found = inspect.unwrap(thing)  # type: ignore[arg-type]  # classes are taken too
            return f"{self.subject.where(Path(inspect.getfile(found)))}:{inspect.getsourcelines(found)[1]}"
        except (OSError, TypeError):
            return getattr(thing, "__qualname__", repr(thing))

    def files(self, folder: Path, *endings: str) -> Iterator[Path]:
        """Files below a folder, by ending."""
        if folder.is_dir():
            yield from sorted(one for one in folder.rglob("*") if one.is_file() and one.name.endswith(endings))


def models_of(loaded: Loaded) -> list[type[Model]]:
    """The plugin's own tables, as classes."""
    modules = [name for models in loaded.of(Models) for name in models.modules if name in sys.modules]
    classes = [(name, one) for name in modules for one in vars(sys.modules[name]).values() if inspect.isclass(one)]
    own = [one for name, one in classes if issubclass(one, Model) and one.__module__ == name]
    return [one for one in own if not one._meta.abstract]
