"""Identifiers in addresses and forms, where they are text until proved otherwise."""

from __future__ import annotations

from uuid import UUID


def identifier(text: object) -> UUID | None:
    """The identifier a text is; none for any other text, the empty one included."""
    try:
        return UUID(str(text))
    except ValueError:
        return None
