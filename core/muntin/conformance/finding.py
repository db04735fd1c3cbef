"""A rule of the conformance suite, and one breach of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        rule: Id of the rule, stable: `route-unguarded`.
        severity: `error` (a panel should refuse it), `warning` (an author should mend it), `note` (good to know).
        where: A file with its line, a route, a table, a contribution.
        what: What was seen, in one sentence.
        why: Why that matters.
        remedy: What to do about it.
    """

    rule: str
    severity: Severity
    where: str
    what: str
    why: str
    remedy: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the suite looks at.

    Attributes:
        id: Stable; documented in `docs/plugins/conformance.md`.
    """

    id: str
    severity: Severity
    why: str
    remedy: str

    def at(self, where: str, what: str, *, severity: Severity | None = None) -> Finding:
        """A breach of it."""
        return Finding(
            rule=self.id, severity=severity or self.severity, where=where, what=what, why=self.why, remedy=self.remedy
        )
