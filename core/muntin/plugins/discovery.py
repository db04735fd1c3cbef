"""Which plugins are installed, read from the metadata of distributions; nothing of them is imported."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.requirements import Requirement

from muntin import __version__
from muntin.plugins import ENTRY_POINTS
from muntin.translation import _

NAME = re.compile(r"[a-z][a-z0-9_]{1,31}")
RESERVED = frozenset({"core", "none", "all", "static"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What can be known of an installed plugin before any of its code runs.

    Attributes:
        name: The entry point's name; also the label of its tables.
        module: What would be imported.
        distribution, version, summary: Of the wheel it came with.
        requires: Other plugins (distribution name -> version specifier) it needs.
        problem: Why it must not be loaded; empty when it may.
    """

    name: str
    module: str
    distribution: str
    version: str
    summary: str = ""
    requires: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def installed_plugins() -> dict[str, Manifest]:
    """Every installed plugin by name, those that must not be loaded with their problem."""
    found: dict[str, Manifest] = {}
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        manifest = _manifest(entry_point)
        if manifest.name in found:
            other = found[manifest.name].distribution
            problem = _(
                "{a} and {b} both offer a plugin of this name; uninstall one.", a=other, b=manifest.distribution
            )
            manifest = _with_problem(found[manifest.name], problem)
        found[manifest.name] = manifest
    offered = {_normal(manifest.distribution): manifest for manifest in found.values()}
    return {name: _checked(manifest, offered) for name, manifest in sorted(found.items())}


def _manifest(entry_point: importlib.metadata.EntryPoint) -> Manifest:
    distribution = entry_point.dist
    requirements = [Requirement(text) for text in (distribution.requires if distribution else None) or ()]
    return Manifest(
        name=entry_point.name,
        module=entry_point.value,
        distribution=distribution.name if distribution else entry_point.name,
        version=distribution.version if distribution else "0",
        summary=str(distribution.metadata["Summary"] or "") if distribution else "",
        requires={_normal(one.name): str(one.specifier) for one in requirements},
        problem=_naming_problem(entry_point.name) or _core_problem(requirements),
    )


def _naming_problem(name: str) -> str:
    if NAME.fullmatch(name) and name not in RESERVED:
        return ""
    return _("The name of a plugin is 2 to 32 small letters, digits and underscores, and none the panel uses itself.")


def _core_problem(requirements: Iterable[Requirement]) -> str:
    for one in requirements:
        if _normal(one.name) == "muntin" and not one.specifier.contains(__version__, prereleases=True):
            wanted = str(one.specifier)
            return _("It needs muntin {wanted}; this is {here}.", wanted=wanted, here=__version__)
    return ""


def _checked(manifest: Manifest, offered: Mapping[str, Manifest]) -> Manifest:
    """Refuse a plugin whose needed plugins are not of the wanted version (absent ones are pip's business)."""
    for distribution, specifier in manifest.requires.items():
        needed = offered.get(distribution)
        if needed and not Requirement(f"{distribution}{specifier}").specifier.contains(
            needed.version, prereleases=True
        ):
            problem = _(
                "It needs {name} {wanted}; {here} is installed.",
                name=distribution,
                wanted=specifier,
                here=needed.version,
            )
            return _with_problem(manifest, problem)
    return manifest


def _with_problem(manifest: Manifest, problem: str) -> Manifest:
    return Manifest(
        name=manifest.name,
        module=manifest.module,
        distribution=manifest.distribution,
        version=manifest.version,
        summary=manifest.summary,
        requires=manifest.requires,
        problem=manifest.problem or problem,
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
