"""Writes `docs/operators/settings.md` from the settings in the code: `python tests/docs/settings_page.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from muntin import core_plugin
from muntin.contributions import SettingsModel
from muntin.settings.description import described

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "settings.md"
HEAD = """\
# Settings

Every setting of the core. Each can be changed on the settings page, with `PUT /api/v1/admin/settings`, with
`muntin settings set SECTION FIELD VALUE`, or decided from outside with its environment variable, which wins over what
is stored. Plugins add sections of their own; `muntin settings describe SECTION` tells of any of them what this page
tells of the core's. Secrets are encrypted where they are stored and never shown.

A change reaches every process at once, without a restart.

This page is written by `python tests/docs/settings_page.py`; a test compares it with the code.
"""


def page() -> str:
    """The page's text."""
    sections: Iterable[SettingsModel] = sorted(core_plugin.muntin_settings(), key=lambda one: one.order)
    return "\n".join([HEAD, *map(_section, sections)])


def _section(one: SettingsModel) -> str:
    rows = "\n".join(
        f"| `{field.name}` | {field.kind} | {_code(field.default)} | {_meaning(field.title, field.help, field.limits)} "
        f"| `{field.variable}` |"
        for field in described(one.section, one.model)
    )
    head = "| field | kind | default | meaning | environment |\n|---|---|---|---|---|"
    return f"## {one.title}\n\nSection `{one.section}`; permission `{one.permission}`.\n\n{head}\n{rows}\n"


def _code(default: str) -> str:
    return default if default == "none" else f"`{default}`"


def _meaning(title: str, text: str, limits: str) -> str:
    words = f"{title}: {text}" if text else title
    return f"{words} ({limits})" if limits else words


if __name__ == "__main__":
    PAGE.write_text(page())
