"""Writes `docs/plugins/slots.md` from the slots in the code: `python tests/docs/slots_page.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from muntin import core_plugin
from muntin.contributions import Slot
from muntin_gameservers import plugin as gameservers

PAGE = Path(__file__).parents[2] / "docs" / "plugins" / "slots.md"
HEAD = """\
# Slots

Every place in the pages of the core and of the first-party plugins that is open to plugins. What a plugin shows there
is a [SlotContent](hooks/muntin_slot_contents.md); how a plugin opens places of its own is said under
[muntin_slots](hooks/muntin_slots.md).

A content gets the values named here, and states the version of the slot that it was written for (1 unless it says
otherwise). A slot's version is raised when its values change incompatibly: contents written for another version are
left out, and administrators see which. Each content is rendered on its own, with two seconds; one that fails costs
itself.

This page is written by `python tests/docs/slots_page.py`; a test compares it with the code.
"""


def page() -> str:
    """The page's text."""
    return "\n".join(
        [HEAD, _part("Core", core_plugin.muntin_slots()), _part("Game servers", gameservers.muntin_slots())]
    )


def _part(title: str, slots: Iterable[Slot]) -> str:
    rows = "\n".join(
        f"| `{one.name}` | {one.version} | {one.description} |" for one in sorted(slots, key=lambda one: one.name)
    )
    return f"## {title}\n\n| slot | version | what fits there |\n|---|---|---|\n{rows}\n"


if __name__ == "__main__":
    PAGE.write_text(page())
