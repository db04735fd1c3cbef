"""Warnings that an author has a reason to leave, written where everybody can read it.

    [tool.muntin.check.accept]
    permission-name = "The keys are those of the panel that we replace."

in pyproject.toml turns warnings of that rule into notes that say why. Errors cannot be accepted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.subject import Subject

WHERE = "pyproject.toml [tool.muntin.check.accept]"
STALE_RULE = Rule(
    "accept-stale",
    "warning",
    "What is accepted without need hides what comes later.",
    "Remove the line: no warning of that rule is found, or it is an error, or the line gives no reason.",
)


def accepted(subject: Subject, findings: Iterable[Finding], *, complete: bool) -> Iterator[Finding]:
    """The findings, warnings that the project accepts as notes.

    Args:
        complete: Every stage was gone through, so that a rule which nothing breaks is known to be kept.
    """
    reasons, used = _reasons(subject), set[str]()
    for one in findings:
        reason = reasons.get(one.rule, "")
        if one.severity == "warning" and reason:
            used.add(one.rule)
            yield replace(one, severity="note", what=f"{one.what} Accepted: {reason}")
        else:
            yield one
    for rule in sorted(reasons.keys() - used) if complete else ():
        yield STALE_RULE.at(WHERE, f"{rule} is accepted for nothing.")


def _reasons(subject: Subject) -> Mapping[str, str]:
    """Rule -> why; nothing where only a wheel is known."""
    path = subject.project / "pyproject.toml" if subject.project else None
    if path is None or not path.is_file():
        return {}
    told = tomllib.loads(path.read_text()).get("tool", {}).get("muntin", {}).get("check", {}).get("accept", {})
    return {str(rule): str(reason).strip() for rule, reason in told.items()} if isinstance(told, dict) else {}
