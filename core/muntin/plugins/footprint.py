"""What of a plugin lies in tables that are not its own: remembered while it is loaded, so that it can be purged."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from tortoise.models import Model

from muntin.contributions import (
    Cron,
    EventSubscriber,
    MailTemplate,
    Models,
    NodeHalfNeeded,
    Permission,
    Saga,
    SettingsModel,
    Task,
)
from muntin.events import Event

if TYPE_CHECKING:
    from muntin.plugins.loading import LoadedPlugin

__all__ = ["Footprint", "footprint_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Names under which a plugin leaves something, each sorted.

    Attributes:
        tables: Its own tables.
        permissions: Keys that roles and API keys may hold.
        settings: Sections of the settings.
        events: Types of events it records.
        resources: First words of those types: what events and audit entries are about.
        subscribers, jobs, crons, mails: Names of those.
        halves: Its node halves.
    """

    tables: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    subscribers: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    crons: tuple[str, ...] = ()
    mails: tuple[str, ...] = ()
    halves: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {name: list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: Any) -> Footprint:
        """What `to_json` made; an empty one of anything else."""
        known = stored if isinstance(stored, dict) else {}
        return cls(**{one.name: tuple(str(item) for item in known.get(one.name, ())) for one in fields(cls)})


def footprint_of(plugin: LoadedPlugin) -> Footprint:
    """What a loaded plugin leaves; its models are registered already."""
    found: dict[str, set[str]] = {one.name: set() for one in fields(Footprint)}
    for one in plugin.contributions:
        match one:
            case Models():
                found["tables"] |= {table for table in _tables(one) if table}
            case Permission():
                found["permissions"].add(one.key)
            case SettingsModel():
                found["settings"].add(one.section)
            case EventSubscriber():
                found["subscribers"].add(f"{plugin.name}.{one.name}")
            case Task() | Saga():
                found["jobs"].add(one.name)
            case Cron():
                found["crons"].add(one.name)
            case MailTemplate():
                found["mails"].add(one.name)
            case NodeHalfNeeded():
                found["halves"].add(one.name)
            case type() if issubclass(one, Event):
                found["events"].add(one.type)
                found["resources"].add(one.type.split(".", 1)[0])
    found["halves"] |= set(plugin.manifest.node_halves)
    return Footprint(**{name: tuple(sorted(names)) for name, names in found.items()})


def _tables(models: Models) -> Iterator[str]:
    """Names of its tables, those between two of them included."""
    for name in models.modules:
        for value in vars(importlib.import_module(name)).values():
            if not (isinstance(value, type) and issubclass(value, Model)) or value.__module__ != name:
                continue
            if not value._meta.abstract:
                yield value._meta.db_table
                yield from (getattr(value._meta.fields_map[field], "through", "") for field in value._meta.m2m_fields)
