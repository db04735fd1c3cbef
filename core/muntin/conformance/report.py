"""What was found, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from muntin.conformance.finding import SEVERITIES, Finding
from muntin.conformance.running import Report

DOCS = "docs/plugins/conformance.md"


def as_text(report: Report, *, verbose: bool = True) -> str:
    """A heading, a paragraph for each finding, and a last line that sums up."""
    subject = report.subject
    lines = [f"{subject.name} {subject.version} ({subject.distribution})", f"looked at: {', '.join(report.stages)}", ""]
    for finding in _sorted(report.findings):
        lines += _paragraph(finding, verbose)
    lines.append(_sum(report))
    return "\n".join(lines)


def as_json(reports: Iterable[Report]) -> list[dict[str, Any]]:
    """The same as plain JSON."""
    return [
        {
            "plugin": report.subject.name,
            "distribution": report.subject.distribution,
            "version": report.subject.version,
            "passed": passed(report),
            "stages": report.stages,
            "took_s": round(report.took_s, 2),
            "findings": [finding.as_json() for finding in _sorted(report.findings)],
        }
        for report in reports
    ]


def passed(report: Report, *, strict: bool = False) -> bool:
    """Whether nothing is an error (and, strictly, nothing a warning)."""
    bad = {"error", "warning"} if strict else {"error"}
    return not any(finding.severity in bad for finding in report.findings)


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.rule, one.where))


def _paragraph(finding: Finding, verbose: bool) -> list[str]:
    first = f"{finding.severity:7} {finding.rule}  {finding.where}"
    if not verbose:
        return [first, f"        {finding.what}"]
    return [first, f"        {finding.what}", f"        Why: {finding.why}", f"        Remedy: {finding.remedy}", ""]


def _sum(report: Report) -> str:
    counted = Counter(finding.severity for finding in report.findings)
    told = ", ".join(f"{counted[one]} {one}{'s' if counted[one] != 1 else ''}" for one in SEVERITIES if counted[one])
    return f"{told or 'Nothing to complain about'}; {report.took_s:.1f} s. Rules: {DOCS}"
