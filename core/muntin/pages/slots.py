"""Slots: what plugins show in a page of somebody else, each within an error boundary and a time limit."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from muntin.call import Call
from muntin.contributions import SlotContent
from muntin.pages.csrf import csrf_token
from muntin.plugins.registry import Owned
from muntin.runtime import panel

log = logging.getLogger("muntin.pages.slots")
LIMIT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a plugin shows.

    Attributes:
        key: Names the content in addresses: plugin and title.
        failed: It raised or took too long; `html` is empty then.
    """

    plugin: str
    key: str
    title: str
    html: Markup
    failed: bool = False


async def slot(call: Call, name: str, values: Mapping[str, Any] | None = None) -> list[Rendered]:
    """Everything the enabled plugins show in a slot, side by side, in order.

    A content that raises or takes longer than two seconds is logged; users see nothing of it,
    administrators an entry with `failed`.
    """
    found = await asyncio.gather(*(_render(call, one, values or {}) for one in contents(call, name)))
    may_know = call.actor.may("admin.overview")
    return [one for one in found if one is not None and (may_know or not one.failed)]


async def one_of_slot(call: Call, name: str, key: str, values: Mapping[str, Any] | None = None) -> Rendered | None:
    """One content of a slot, for pages that show them as tabs; `None` when there is none of that key."""
    for owned in contents(call, name):
        if key_of(owned) == key:
            return await _render(call, owned, values or {})
    return None


def contents(call: Call, name: str) -> list[Owned[SlotContent]]:
    """What the actor may see of a slot, not rendered."""
    found = [one for one in panel().registry.owned(SlotContent) if one.value.slot == name]
    seen = [one for one in found if one.value.permission is None or call.actor.may(one.value.permission)]
    return sorted(seen, key=lambda one: (one.value.order, one.value.title, one.plugin))


def key_of(owned: Owned[SlotContent]) -> str:
    """The content's name in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", f"{owned.plugin}-{owned.value.title}".lower()).strip("-")


async def _render(call: Call, owned: Owned[SlotContent], values: Mapping[str, Any]) -> Rendered | None:
    content, key = owned.value, key_of(owned)
    try:
        async with asyncio.timeout(LIMIT_S):
            html = await _html(call, content, values)
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
