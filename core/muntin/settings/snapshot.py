"""The settings as one process knows them: read once, replaced when somebody changes something."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError

from muntin.bus import Json
from muntin.contributions import SettingsModel
from muntin.settings.environment import Override, Overrides, overrides
from muntin.settings.models import SettingRow
from muntin.settings.stored import Stored, build, unlock

if TYPE_CHECKING:
    from muntin.panel import Panel

log = logging.getLogger("muntin.settings")
Model = TypeVar("Model", bound=BaseModel)

TOPIC = "settings.changed"
VERSION = "settings"


class Settings:
    """What administrators set, as typed sections; `muntin.settings.section` is the short way to them."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._stored: dict[str, Stored] = {}
        self._built: dict[type[BaseModel], BaseModel] = {}
        self._overrides: Overrides = {}
        self._listeners: list[Callable[[], None]] = []

    async def open(self) -> None:
        """Read everything, and hear of changes from now on.

        Raises:
            ValueError: An environment variable sets a field to something its section does not take.
        """
        self._overrides = overrides(self._panel.configuration, _environment())
        self._check_overrides()
        await self.reload()
        self._panel.versions.watch(VERSION, self.reload)
        self._panel.bus.subscribe(TOPIC, self._heard)

    async def reload(self) -> None:
        """Read the rows again; sections are built when somebody asks for them."""
        rows = await SettingRow.all().values("section", "version", "values")
        self._stored = {row["section"]: Stored(row["version"], row["values"]) for row in rows}
        self._built = {}
        for listener in self._listeners:
            listener()

    def section(self, model: type[Model]) -> Model:
        """The section as it is now.

        Raises:
            LookupError: No loaded plugin contributes the model.
        """
        found = self._built.get(model)
        if found is None:
            found = self._built[model] = self._build(self._contribution(model))
        return cast(Model, found)

    def of(self, contribution: SettingsModel) -> BaseModel:
        """The section of a contribution as it is now."""
        return self.section(contribution.model)

    def version(self, section: str) -> int:
        """How often the section was changed."""
        return self._stored.get(section, Stored()).version

    def overridden(self, section: str) -> Mapping[str, Override]:
        """The fields that the environment decides."""
        return self._overrides.get(section, {})

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call the listener after every change; it must not block."""
        self._listeners.append(listener)

    async def _heard(self, topic: str, data: Json) -> None:
        await self.reload()

    def _build(self, contribution: SettingsModel) -> BaseModel:
        section, model = contribution.section, contribution.model
        stored = self._stored.get(section, Stored()).values
        return build(section, model, unlock(section, model, stored) | self._forced(section, model))

    def _forced(self, section: str, model: type[BaseModel]) -> dict[str, Any]:
        found = self.overridden(section).items()
        return {name: override.value for name, override in found if name in model.model_fields}

    def _contribution(self, model: type[BaseModel]) -> SettingsModel:
        for owned in self._panel.registry.known(SettingsModel):
            if owned.value.model is model:
                return owned.value
        raise LookupError(f"no plugin contributes the settings {model.__name__}")

    def _check_overrides(self) -> None:
        """A setting from outside that is misspelt must not go unnoticed: it may be what keeps somebody out."""
        models = {owned.value.section: owned.value.model for owned in self._panel.registry.known(SettingsModel)}
        for section, fields in self._overrides.items():
            if section not in models:
                log.warning("Nobody here knows the settings %r that %s names", section, _variables(fields))
                continue
            _check(section, models[section], fields)


def _check(section: str, model: type[BaseModel], fields: Mapping[str, Override]) -> None:
    unknown = fields.keys() - model.model_fields.keys()
    if unknown:
        raise ValueError(f"{fields[min(unknown)].variable}: the settings {section!r} have no field {min(unknown)!r}")
    try:
        model.model_validate({name: override.value for name, override in fields.items()})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        variable = fields[name].variable if name in fields else _variables(fields)
        raise ValueError(f"{variable} ({section}.{name}): {first['msg']}") from None


def _variables(fields: Mapping[str, Override]) -> str:
    return ", ".join(sorted({override.variable for override in fields.values()}))


def _environment() -> dict[str, str]:
    """Variables of the process and, behind them, of `.env`, as the configuration reads them."""
    file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return file | dict(os.environ)
