"""What the documentation's site changes of the pages, which are written to be read in the repository too."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, **_more: Any) -> str:
    """Name files outside the documentation instead of linking to them: the site does not have them."""
    folder = PurePosixPath(page.file.src_uri).parent
    return LINK.sub(lambda link: _named(link, folder), markdown)


def _named(link: re.Match[str], folder: PurePosixPath) -> str:
    text, target = link[1], link[2]
    if "://" in target or not _leaves(folder, target):
        return link[0]
    return f"{text} (`{_in_repository(folder, target)}`)"


def _leaves(folder: PurePosixPath, target: str) -> bool:
    return _in_repository(folder, target).parts[:1] != ("docs",)


def _in_repository(folder: PurePosixPath, target: str) -> PurePosixPath:
    parts: list[str] = []
    for part in ("docs", *folder.parts, *PurePosixPath(target).parts):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)
