"""Every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = ("http://", "https://", "mailto:")


def test_every_relative_link_leads_to_a_file(pages: Mapping[Path, str], root: Path) -> None:
    broken = [
        f"{path}: {link}"
        for path, text in pages.items()
        for link in LINK.findall(_without_code(text))
        if not link.startswith((*ELSEWHERE, "#")) and not (root / path.parent / link.split("#")[0]).exists()
    ]

    assert broken == []


def test_every_link_to_a_heading_finds_it(pages: Mapping[Path, str], root: Path) -> None:
    broken = []
    for path, text in pages.items():
        for link in LINK.findall(_without_code(text)):
            if link.startswith(ELSEWHERE) or "#" not in link:
                continue
            target, anchor = link.split("#", 1)
            page = pages.get((root / path.parent / target).resolve().relative_to(root) if target else path)
            if page is None or anchor not in _anchors(page):
                broken.append(f"{path}: {link}")

    assert broken == []


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def _anchors(text: str) -> set[str]:
    """Headings the way code hosts name them: small letters, hyphens, no punctuation."""
    headings = re.findall(r"^#{1,6} (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
