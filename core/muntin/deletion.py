"""Asking every plugin before something that others may refer to is deleted."""

from __future__ import annotations

from uuid import UUID

from muntin.contributions import MayDelete
from muntin.errors import Conflict
from muntin.runtime import panel
from muntin.translation import _


async def refuse_objections(kind: str, object_id: UUID | int) -> None:
    """Refuse if a plugin objects.

    Raises:
        Conflict: Names the plugins and their reasons in the message and in `details`.
    """
    objections: dict[str, list[str]] = {}
    for owned in panel().registry.owned(MayDelete):
        if owned.value.kind == kind:
            for objection in await owned.value.check(object_id):
                objections.setdefault(owned.plugin, []).append(objection.reason)
    if objections:
        reasons = " ".join(f"{plugin}: {' '.join(found)}" for plugin, found in objections.items())
        raise Conflict(_("This is still in use. {reasons}", reasons=reasons), objections=objections)
