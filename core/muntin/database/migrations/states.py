"""The tables as they are between two operations of a migration, without making again what did not change.

Tortoise renders every model and its queries before and after each operation: with forty tables that is most of the time
a fresh store takes. Here a model's queries are made once, and the state before an operation only where one looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.models import Model

__all__ = ["LateState", "empty_state"]


def empty_state(apps_config: Mapping[str, Mapping[str, Any]]) -> State:
    """Before the first migration."""
    connections = {label: config.get("default_connection", "default") for label, config in apps_config.items()}
    return LateState(models={}, apps=_Apps(default_connections=connections))


class LateState(State):
    """A state whose copies render their models when somebody asks for them."""

    _as_they_were: dict[tuple[str, str], ModelState]
    _like: StateApps

    def clone(self) -> State:
        """A copy that changes of this one do not reach."""
        made = LateState.__new__(LateState)
        made.models = {key: model.clone() for key, model in self.models.items()}
        made._as_they_were = {key: model.clone() for key, model in self.models.items()}
        made._like = self.apps
        return made

    def __getattr__(self, name: str) -> Any:
        """Only `apps` is ever missing."""
        if name != "apps":
            raise AttributeError(name)
        self.apps = self._like.clone(model_states=self._as_they_were)
        return self.apps


class _Apps(StateApps):
    """Finishes each model once: an operation renders anew all that it concerns."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._finished: WeakSet[type[Model]] = WeakSet()

    def _build_initial_querysets(self) -> None:
        everything = self.apps
        self.apps = {
            label: {name: model for name, model in models.items() if model not in self._finished}
            for label, models in everything.items()
        }
        try:
            super()._build_initial_querysets()
            self._finished.update(
                model for models in self.apps.values() for model in models.values() if model._meta._inited
            )
        finally:
            self.apps = everything
