"""Asking every plugin before something that others may refer to is deleted."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from muntin.contributions import MayDelete, Objection
from muntin.errors import Conflict
from muntin.plugins.boundaries import checked, within
from muntin.plugins.registry import Owned
from muntin.runtime import panel
from muntin.translation import _

log = logging.getLogger("muntin.plugins")


async def refuse_objections(kind: str, object_id: UUID | int) -> None:
    """Refuse if a plugin objects.

    Raises:
        Conflict: Names the plugins and their reasons in the message and in `details`.
    """
    objections: dict[str, list[str]] = {}
    for owned in panel().registry.owned(MayDelete):
        if owned.value.kind == kind:
            for objection in await _asked(owned, object_id):
                objections.setdefault(owned.plugin, []).append(objection.reason)
    if objections:
        reasons = " ".join(f"{plugin}: {' '.join(found)}" for plugin, found in objections.items())
        raise Conflict(_("This is still in use. {reasons}", reasons=reasons), objections=objections)


async def _asked(owned: Owned[MayDelete], object_id: UUID | int) -> tuple[Objection, ...]:
    """The objections of one plugin; one that cannot say whether it objects, does."""
    title = f"objections to deleting a {owned.value.kind}"
    ask = partial(owned.value.check, object_id)
    try:
        answer = await within(owned.plugin, title, ask, deadline_s=panel().deadlines.ask_s)
        found = checked(owned.plugin, title, answer, tuple)
        return tuple(checked(owned.plugin, title, one, Objection) for one in found)
    except Exception:
        log.exception("Plugin %s could not say whether it objects", owned.plugin)
        return (Objection(reason=_("It could not be asked. Try again, or disable it.")),)
