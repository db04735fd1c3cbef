"""What happens to settings."""

from __future__ import annotations

from muntin.events import Event


class SettingsChanged(Event):
    """An administrator changed fields of one section; the values are not told, since some are secret."""

    type = "settings.changed"
    subject = "section"

    section: str
    fields: list[str]
