"""The one door through which every text for people passes.

English is the source language; a catalogue is looked up per request once there is one. Texts are
complete sentences with named placeholders, so that a translator never sees fragments.
"""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES: Mapping[str, str] = {"en": "English"}
"""Tag -> name of each language that there are texts in, in that language."""


def _(text: str, /, **values: object) -> str:
    """The text in the reader's language, with `{name}` placeholders filled from `values`."""
    return text.format(**values) if values else text
