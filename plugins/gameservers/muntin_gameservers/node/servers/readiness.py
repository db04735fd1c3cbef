"""Telling from the console that a server is ready."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from muntin_gameservers.contract import StartupDetection
from muntin_gameservers.node.patterns import Pattern, PatternRefused
from muntin_gameservers.node.servers.terminal_lines import without_ansi

log = logging.getLogger(__name__)
REGEX = "regex:"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a line must hold to mean "ready". Without any entry a server counts as ready when it has started."""

    texts: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    strip_ansi: bool

    @classmethod
    def from_contract(cls, startup: StartupDetection) -> Readiness:
        """Compile the `done` entries; a pattern that is not RE2 is logged and left out."""
        texts = tuple(entry for entry in startup.done if entry and not entry.startswith(REGEX))
        patterns = []
        for entry in startup.done:
            if entry.startswith(REGEX):
                try:
                    patterns.append(Pattern(entry.removeprefix(REGEX)))
                except PatternRefused as error:
                    log.warning("A ready pattern is left out: %s", error)
        return cls(texts, tuple(patterns), startup.strip_ansi)

    @property
    def is_immediate(self) -> bool:
        """Nothing is looked for."""
        return not self.texts and not self.patterns

    def said_by(self, line: str) -> bool:
        """Whether this line says that the server is ready."""
        text = without_ansi(line) if self.strip_ansi else line
        return any(entry in text for entry in self.texts) or any(pattern.found_in(text) for pattern in self.patterns)
