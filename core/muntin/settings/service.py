"""Reading and changing settings."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from muntin import audit
from muntin.access import Actor, guarded, require
from muntin.contributions import SettingsModel
from muntin.database import Transaction, transaction
from muntin.dialects import validate
from muntin.errors import InvalidInput, PreconditionFailed
from muntin.runtime import panel
from muntin.settings.events import SettingsChanged
from muntin.settings.models import SettingRow
from muntin.settings.snapshot import TOPIC, VERSION
from muntin.settings.stored import build, lock, plain_values, secret_fields, unlock
from muntin.translation import _
from muntin.versions import bump

log = logging.getLogger("muntin.settings")
MASK = "********"

Changes = Mapping[str, Mapping[str, Any]]
"""Section -> field -> new value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """A section as people see it.

    Attributes:
        values: Field -> JSON; a secret that is set is eight asterisks, one that is not is `None`.
        fixed: Field -> name of the environment variable that decides it.
        version: How often it was changed; pass it back to refuse a change of something older.
    """

    section: str
    title: str
    model: type[BaseModel]
    values: Mapping[str, Any]
    fixed: Mapping[str, str]
    version: int


@guarded("admin.settings.general")
async def read_settings(actor: Actor) -> tuple[SectionView, ...]:
    """The sections that the actor may read, in the order of the settings page."""
    views = (_view_if_it_can_be(one) for one in _contributions() if actor.may(one.permission))
    return tuple(view for view in views if view is not None)


@guarded("admin.settings.general")
async def change_settings(
    actor: Actor, *, changes: Changes, versions: Mapping[str, int] | None = None
) -> tuple[SectionView, ...]:
    """Change some fields of some sections: all of them or, if anything is wrong, none.

    Args:
        changes: A secret that is `None` or comes back as asterisks keeps its value; an empty one is removed.
        versions: Section -> the version the caller saw.

    Raises:
        InvalidInput: Fields that are unknown, wrong or decided by the environment, as `section.field`.
        PreconditionFailed: A section was changed since the caller saw it.
    """
    contributions = {one.section: one for one in _contributions()}
    _refuse_unknown(contributions, changes)
    for section in changes:
        require(actor, contributions[section].permission)
    async with transaction() as events:
        await bump(VERSION)  # first: its row lock makes changes wait for each other
        for section, fields in changes.items():
            await _change(events, actor, contributions[section], fields, (versions or {}).get(section))
        events.after_commit(_tell_everybody)
    return await read_settings(actor)


async def _change(
    events: Transaction, actor: Actor, contribution: SettingsModel, fields: Mapping[str, Any], seen: int | None
) -> None:
    section, model = contribution.section, contribution.model
    row = await SettingRow.get_or_none(section=section) or SettingRow(section=section, version=0, values={})
    if seen is not None and row.version != seen:
        raise PreconditionFailed(section=section)
    before = _stored(contribution, row)
    wanted = _kept_secrets(model, fields)
    changed = _validated(contribution, before, wanted)
    different = [name for name in wanted if name not in before or changed[name] != before[name]]
    kept = {name: changed[name] for name in (*before, *different) if name in changed}
    row.values = lock(section, model, kept)
    row.version += 1
    await row.save()
    events.add(SettingsChanged(section=section, fields=sorted(different), by=actor.account_id))
    await audit.record(events, actor, "settings.changed", ("settings", section), _told(model, kept, different))


def _stored(contribution: SettingsModel, row: SettingRow) -> dict[str, Any]:
    """The fields that were ever changed, in plain, without those the model no longer takes."""
    section, model = contribution.section, contribution.model
    values = unlock(section, model, row.values)
    built = build(section, model, values)
    now = plain_values(built)
    return {name: now[name] for name in built.model_fields_set}  # by the names of today: some may be stored under older


def _validated(contribution: SettingsModel, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """All fields as they will be, as plain JSON.

    Raises:
        InvalidInput: Names fields as `section.field`.
    """
    _refuse_fixed(contribution, wanted)
    try:
        return plain_values(validate(contribution.model, {**before, **wanted}))
    except InvalidInput as error:
        raise _prefixed(contribution.section, error) from error


def _kept_secrets(model: type[BaseModel], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without secrets that were sent back unchanged; an empty secret means none."""
    secrets = secret_fields(model)
    wanted = {name: value for name, value in fields.items() if name not in secrets or value not in (None, MASK)}
    return {name: None if name in secrets and value == "" else value for name, value in wanted.items()}


def _refuse_unknown(contributions: Mapping[str, SettingsModel], changes: Changes) -> None:
    unknown = {
        f"{section}.{name}" if section in contributions else section: [_("There is no such setting.")]
        for section, fields in changes.items()
        for name in (fields or {"": None})
        if section not in contributions or (name and name not in contributions[section].model.model_fields)
    }
    if unknown:
        raise InvalidInput(unknown)


def _refuse_fixed(contribution: SettingsModel, wanted: Mapping[str, Any]) -> None:
    now = plain_values(panel().settings.of(contribution))
    fixed = panel().settings.overridden(contribution.section)
    wrong = {
        f"{contribution.section}.{name}": [
            _("The environment variable {name} decides this.", name=fixed[name].variable)
        ]
        for name, value in wanted.items()
        if name in fixed and value != now.get(name)
    }
    if wrong:
        raise InvalidInput(wrong)


def _prefixed(section: str, error: InvalidInput) -> InvalidInput:
    return InvalidInput({f"{section}.{name}": messages for name, messages in error.fields.items()}, error.message)


def _told(model: type[BaseModel], kept: Mapping[str, Any], different: list[str]) -> dict[str, Any]:
    """What the audit log says: new values, of secrets only that they changed."""
    secrets = secret_fields(model)
    return {name: MASK if name in secrets and kept[name] else kept[name] for name in sorted(different)}


def _view_if_it_can_be(contribution: SettingsModel) -> SectionView | None:
    try:
        return _view(contribution)
    except Exception:  # a plugin's model; the other sections are shown all the same
        log.exception("The settings %s cannot be read", contribution.section)
        return None


def _view(contribution: SettingsModel) -> SectionView:
    settings = panel().settings
    values = plain_values(settings.of(contribution))
    for name in secret_fields(contribution.model):
        values[name] = MASK if values[name] else None
    return SectionView(
        section=contribution.section,
        title=contribution.title,
        model=contribution.model,
        values=values,
        fixed={name: override.variable for name, override in settings.overridden(contribution.section).items()},
        version=settings.version(contribution.section),
    )


def _contributions() -> list[SettingsModel]:
    return sorted(panel().registry.of(SettingsModel), key=lambda one: (one.order, one.section))


async def _tell_everybody() -> None:
    """This process knows before the caller is answered; the others hear of it."""
    await panel().settings.reload()
    panel().bus.publish(TOPIC)
