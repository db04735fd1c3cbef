"""What can be known of a plugin before any of its code runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from muntin.plugins.manifest_file import PLUGIN_NAME, Capabilities
from muntin.translation import _

NAME = re.compile(PLUGIN_NAME.strip("^$"))
RESERVED = frozenset({"core", "none", "all", "static"})
Origin = Literal["environment", "generation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What can be known of an installed plugin before any of its code runs.

    Attributes:
        name: The entry point's name; also the label of its tables.
        module: What would be imported.
        distribution, version, summary: Of the wheel it came with.
        requires: Distribution name -> version specifier of everything its wheel needs.
        needs: Other plugins it needs, by plugin name -> version specifier.
        muntin: The versions of the panel it works with; empty: any.
        capabilities: What it asks for.
        node_halves: Names of the halves its wheel offers to nodes.
        origin: `generation` when `muntin plugin install` put it there, else `environment`.
        problem: Why it must not be loaded; empty when it may.
        remedy: What to do about the problem.
    """

    name: str
    module: str
    distribution: str
    version: str
    summary: str = ""
    requires: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    muntin: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    node_halves: tuple[str, ...] = ()
    origin: Origin = "environment"
    problem: str = ""
    remedy: str = ""


def naming_problem(name: str) -> str:
    """Why a plugin must not be called so; empty when it may."""
    if NAME.fullmatch(name) and name not in RESERVED:
        return ""
    return _("The name of a plugin is 2 to 32 small letters, digits and underscores, and none the panel uses itself.")


def normal(name: str) -> str:
    """A distribution's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()
