"""Whether plugins fit this panel and one another: versions, what is missing, and circles; nothing is imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet

from muntin import __version__
from muntin.plugins.manifest import Manifest, normal
from muntin.translation import _


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a plugin must not be loaded, and what to do about it."""

    reason: str
    remedy: str


def fits(version: str, specifier: str) -> bool:
    """Whether a version lies in a range; everything lies in the empty one."""
    return SpecifierSet(specifier).contains(version, prereleases=True)


def examined(manifests: Mapping[str, Manifest], distributions: Iterable[str]) -> dict[str, Manifest]:
    """The plugins by name, those that do not fit with their problem.

    Args:
        distributions: Normalised names of the distributions that are there, at least of those that are required.
    """
    there = frozenset(distributions)
    found = {name: _with(one, _own_problem(one, there)) for name, one in manifests.items()}
    found = {name: _with(one, _neighbour_problem(one, found)) for name, one in found.items()}
    for circle in _circles(found):
        words = " → ".join((*circle, circle[0]))
        reason = _("It needs itself by way of others: {circle}.", circle=words)
        for name in circle:
            found[name] = _with(found[name], Problem(reason, _("Uninstall one of them.")))
    return dict(sorted(_without_the_stranded(found).items()))


def _own_problem(manifest: Manifest, there: frozenset[str]) -> Problem | None:
    if not fits(__version__, manifest.muntin):
        reason = _("It needs muntin {wanted}; this is {here}.", wanted=manifest.muntin, here=__version__)
        return Problem(reason, _("Install a version of it that fits this panel, or another panel."))
    missing = [f"{name} {wanted}".strip() for name, wanted in manifest.requires.items() if name not in there]
    if missing:
        remedy = _("Install it with what it needs: muntin plugin install {name}", name=manifest.distribution)
        return Problem(_("It needs {missing}, which is not installed.", missing=", ".join(missing)), remedy)
    return None


def _neighbour_problem(manifest: Manifest, known: Mapping[str, Manifest]) -> Problem | None:
    by_distribution = {normal(one.distribution): one for one in known.values()}
    for name, wanted in manifest.needs.items():
        needed = known.get(name)
        if needed is None:
            reason = _("It needs the plugin {name} {wanted}, which is not installed.", name=name, wanted=wanted)
            return Problem(reason, _("Install {name} first.", name=name))
        if not fits(needed.version, wanted):
            return _wrong_version(name, wanted, needed)
    for distribution, wanted in manifest.requires.items():
        needed = by_distribution.get(distribution)
        if needed is not None and not fits(needed.version, wanted):
            return _wrong_version(distribution, wanted, needed)
    return None


def _wrong_version(name: str, wanted: str, needed: Manifest) -> Problem:
    reason = _("It needs {name} {wanted}; {here} is installed.", name=name, wanted=wanted, here=needed.version)
    return Problem(reason, _("Install a version of {name} that fits.", name=name))


def _needed(manifest: Manifest, known: Mapping[str, Manifest]) -> list[str]:
    """Names of the plugins it needs, whichever way it said so."""
    by_distribution = {normal(one.distribution): name for name, one in known.items()}
    ways = [*manifest.needs, *(by_distribution.get(one, "") for one in manifest.requires)]
    return sorted({name for name in ways if name in known and name != manifest.name})


def _circles(known: Mapping[str, Manifest]) -> list[tuple[str, ...]]:
    """Every circle once, beginning with its first name."""
    found: dict[frozenset[str], tuple[str, ...]] = {}

    def walk(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            circle = trail[trail.index(name) :]
            start = circle.index(min(circle))
            found.setdefault(frozenset(circle), circle[start:] + circle[:start])
            return
        if name in done:
            return
        for other in _needed(known[name], known):
            walk(other, (*trail, name))
        done.add(name)

    done: set[str] = set()
    for name in sorted(known):
        walk(name, ())
    return list(found.values())


def _without_the_stranded(known: dict[str, Manifest]) -> dict[str, Manifest]:
    """Whoever needs a plugin that must not be loaded must not be loaded either."""
    changed = True
    while changed:
        changed = False
        for name, one in known.items():
            bad = next((other for other in _needed(one, known) if known[other].problem), None)
            if bad is not None and not one.problem:
                reason = _("It needs {name}, which cannot be loaded: {why}", name=bad, why=known[bad].problem)
                known[name] = _with(one, Problem(reason, known[bad].remedy))
                changed = True
    return known


def _with(manifest: Manifest, problem: Problem | None) -> Manifest:
    if problem is None or manifest.problem:
        return manifest
    return replace(manifest, problem=problem.reason, remedy=problem.remedy)
