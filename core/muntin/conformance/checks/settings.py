"""Sections of the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import SecretBytes, SecretStr

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.loaded import Loaded
from muntin.contributions import SettingsModel

SECRET_RULE = Rule(
    "setting-secret",
    "error",
    "A secret that is plain text is stored readable, shown on the page and answered by the API.",
    "Give the field the type pydantic.SecretStr; it is encrypted and never shown.",
)
DESCRIBED_RULE = Rule(
    "setting-undescribed",
    "warning",
    "The form, the API and the documentation of the settings are made of the fields' descriptions.",
    'Add Field(description="...") to the field.',
)
SECRET = re.compile(
    r"(^|_)(password|passphrase|secret|token|api_?key|private_?key|credentials?)($|_)(?!url|lifetime|name|id)"
)


def check(loaded: Loaded) -> Iterator[Finding]:
    """Every field of every section."""
    for section in loaded.of(SettingsModel):
        for name, field in section.model.model_fields.items():
            where = f"settings {section.section}.{name}"
            hidden = any(kind.__name__ in repr(field.annotation) for kind in (SecretStr, SecretBytes))
            if SECRET.search(name) and not hidden and "str" in repr(field.annotation):
                yield SECRET_RULE.at(where, "It looks like a secret and is plain text.")
            if not (field.description or field.title):
                yield DESCRIBED_RULE.at(where, "It has no description.")
