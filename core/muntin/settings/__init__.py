"""Settings of the panel: sections that plugins describe, stored, encrypted, and known to every process.

    limit = section(SecuritySettings).max_failed_attempts

`section` is synchronous and cheap: it answers from memory. A change reaches every process over the bus, at the latest a
second later. Environment variables win over what is stored: see `muntin.settings.environment`.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from muntin.runtime import panel
from muntin.settings.sections import (
    FeatureSettings,
    GeneralSettings,
    MailSettings,
    OidcSettings,
    OutgoingSettings,
    RetentionSettings,
    Section,
    SecuritySettings,
)

Model = TypeVar("Model", bound=BaseModel)


def section(model: type[Model]) -> Model:
    """The section as it is now. Read it anew each time rather than keeping it.

    Raises:
        LookupError: No plugin contributes the model.
    """
    return panel().settings.section(model)


def public_url() -> str:
    """Where people reach the panel, without a trailing slash: as set, else as configured."""
    return section(GeneralSettings).url or panel().configuration.public_url


__all__ = [
    "FeatureSettings",
    "GeneralSettings",
    "MailSettings",
    "OidcSettings",
    "OutgoingSettings",
    "RetentionSettings",
    "Section",
    "SecuritySettings",
    "public_url",
    "section",
]
