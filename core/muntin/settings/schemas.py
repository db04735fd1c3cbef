"""Settings as they come in."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from muntin.errors import InvalidInput
from muntin.translation import _


class SettingsInput(RootModel[dict[str, Any]]):
    """Some settings: `{"security": {"two_factor": "all"}}` or `{"security.two_factor": "all"}`."""

    def by_section(self) -> dict[str, dict[str, Any]]:
        """Section -> field -> value, whichever way it was written.

        Raises:
            InvalidInput: A section is not an object.
        """
        sections: dict[str, dict[str, Any]] = {}
        for key, value in self.root.items():
            section, dot, field = key.partition(".")
            if not dot and not isinstance(value, dict):
                raise InvalidInput.of(key, _("Give an object of settings."))
            sections.setdefault(section, {}).update({field: value} if dot else value)
        return sections
