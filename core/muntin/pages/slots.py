"""Slots: what plugins show in a page of somebody else, each within an error boundary and a time limit."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from muntin.call import Call
from muntin.contributions import HealthReport, Slot, SlotContent
from muntin.pages.csrf import csrf_token
from muntin.plugins.boundaries import within
from muntin.plugins.registry import Owned
from muntin.runtime import panel
from muntin.translation import _

log = logging.getLogger("muntin.pages.slots")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a plugin shows.

    Attributes:
        key: Names the content in addresses: plugin and title.
        failed: It raised, took too long, or was written for another version of the slot; `html` is empty then.
        reason: What administrators are told of a failure besides the log, if anything.
    """

    plugin: str
    key: str
    title: str
    html: Markup
    failed: bool = False
    reason: str = ""


async def slot(call: Call, name: str, values: Mapping[str, Any] | None = None) -> list[Rendered]:
    """Everything the enabled plugins show in a slot, side by side, in order.

    A content that raises or takes longer than two seconds is logged; users see nothing of it,
    administrators an entry with `failed`. So with contents that were written for another version of the slot.
    """
    found = await asyncio.gather(*(_render(call, one, values or {}) for one in contents(call, name)))
    may_know = call.actor.may("admin.overview")
    shown = [one for one in found if one is not None and (may_know or not one.failed)]
    return [*shown, *(_left_out(owned) for owned in misfits(name))] if may_know else shown


async def one_of_slot(call: Call, name: str, key: str, values: Mapping[str, Any] | None = None) -> Rendered | None:
    """One content of a slot, for pages that show them as tabs; `None` when there is none of that key."""
    for owned in contents(call, name):
        if key_of(owned) == key:
            return await _render(call, owned, values or {})
    return None


def contents(call: Call, name: str) -> list[Owned[SlotContent]]:
    """What the actor may see of a slot, not rendered; without what was written for another version of it."""
    version = _versions().get(name, 1)
    known = panel().registry.owned(SlotContent)
    found = [one for one in known if one.value.slot == name and one.value.version == version]
    seen = [one for one in found if one.value.permission is None or call.actor.may(one.value.permission)]
    return sorted(seen, key=lambda one: (one.value.order, one.value.title, one.plugin))


def misfits(name: str | None = None) -> list[Owned[SlotContent]]:
    """Contents of the enabled plugins that were written for another version of their slot (of one slot, or of all)."""
    versions = _versions()
    return [
        one
        for one in panel().registry.owned(SlotContent)
        if name in (None, one.value.slot) and one.value.version != versions.get(one.value.slot, one.value.version)
    ]


async def check_slots() -> HealthReport:
    """Whether everything that plugins show was written for the slots as they are."""
    found = [_words(one) for one in misfits()]
    if not found:
        return HealthReport(ok=True, summary=_("What plugins show fits its place."))
    return HealthReport(ok=False, summary=" ".join(found), remedy=_("Install versions of the plugins that fit."))


def _left_out(owned: Owned[SlotContent]) -> Rendered:
    title = owned.value.title
    return Rendered(
        plugin=owned.plugin, key=key_of(owned), title=title, html=Markup(), failed=True, reason=_words(owned)
    )


def _words(owned: Owned[SlotContent]) -> str:
    return _(
        "{plugin} was written for version {written} of {slot}, which is version {version} here.",
        plugin=owned.plugin,
        written=owned.value.version,
        slot=owned.value.slot,
        version=_versions()[owned.value.slot],
    )


def _versions() -> dict[str, int]:
    return {one.name: one.version for one in panel().registry.of(Slot)}


def key_of(owned: Owned[SlotContent]) -> str:
    """The content's name in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", f"{owned.plugin}-{owned.value.title}".lower()).strip("-")


async def _render(call: Call, owned: Owned[SlotContent], values: Mapping[str, Any]) -> Rendered | None:
    content, key = owned.value, key_of(owned)
    try:
        html = await within(
            owned.plugin,
            f"slot {content.slot}",
            partial(_html, call, content, values),
            deadline_s=panel().deadlines.slot_s,
            source=call.actor,
        )
    except Exception:  # a plugin's page part must not cost the page
        log.exception("Plugin %s could not show %s in slot %s", owned.plugin, content.template, content.slot)
        return Rendered(plugin=owned.plugin, key=key, title=content.title, html=Markup(), failed=True)
    if html is None:
        return None
    return Rendered(plugin=owned.plugin, key=key, title=content.title, html=html)


async def _html(call: Call, content: SlotContent, values: Mapping[str, Any]) -> Markup | None:
    loaded = await content.load(call.actor, values) if content.load else {}
    if loaded is None:
        return None
    base = {"csrf_token": csrf_token(call), "may": call.actor.may}
    return Markup(await panel().templates.render(content.template, {**base, **values, **loaded}))  # noqa: S704 - escaped by the template
