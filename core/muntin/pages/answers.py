"""What a page handler answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Crumb:
    """One step of the way to a page; the last has no path."""

    label: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A template and its values; the layout's own values (navigation, account, nonce) are added.

    Attributes:
        status: `None`: the route's own.
        title: What the browser's tab and the heading say; the template may say otherwise.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    crumbs: tuple[Crumb, ...] = ()
    status: int | None = None
    help_path: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser to another page of the panel.

    Attributes:
        notice: Shown there once: a sentence, or one of the keys of `notices.known_notices`.
    """

    path: str
    notice: str = ""
    kind: Literal["info", "success", "warning", "danger"] = "success"

    def __post_init__(self) -> None:
        if not is_local(self.path):
            raise ValueError(f"{self.path!r} leaves the panel")


def is_local(path: str) -> bool:
    """Whether a path stays on this site: absolute, not `//host`, no backslash a browser would read as a slash."""
    return path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
