"""Which wheels a changed set of plugins consists of, found before anything is touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import packages_distributions
from pathlib import Path
from sys import stdlib_module_names

from packaging.requirements import Requirement

from muntin.plugins.declared import Declared, DeclaredWheel
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.generations import Generations
from muntin.plugins.installing.sources import Sources, fetch_declared, frozen_environment, parse_requirement, resolve
from muntin.plugins.installing.wheels import Wheel, open_wheel, overlaps
from muntin.plugins.manifest import Manifest, normal
from muntin.plugins.manifest_file import PluginRefused
from muntin.plugins.requirements import examined, fits
from muntin.translation import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A set that fits together, every wheel at hand.

    Attributes:
        declared: As `declared.toml` will say it.
        wheels: All of it.
        changed: The plugins that are new or of another version, by name.
    """

    declared: Declared
    wheels: tuple[Wheel, ...]
    changed: Mapping[str, Manifest]


async def select(
    generations: Generations, before: Declared, wanted: str | Path, sources: Sources, staging: Path
) -> Selection:
    """The set with one more plugin, or with another version of one.

    Args:
        wanted: A wheel's path, or a distribution with perhaps a range.

    Raises:
        PluginRefused: It does not fit; the message names both sides, nothing was changed.
    """
    root = _wheel_at(Path(wanted), staging) if isinstance(wanted, Path) else parse_requirement(wanted)
    frozen = frozen_environment()
    name = root.distribution if isinstance(root, Wheel) else root.name
    _refuse_the_environments(name, frozen)
    if isinstance(root, Wheel):
        _refuse_what_the_panel_cannot_have(root, frozen)
    kept = _kept(generations, before, without=name)
    wheels = await _complete(root, kept, frozen, replace_links(sources, generations.wheels), staging)
    return _selection(before, wheels, normal(name))


def replace_links(sources: Sources, *folders: Path) -> Sources:
    """The sources with more folders of wheels."""
    there = tuple(folder for folder in folders if folder.is_dir())
    return replace(sources, find_links=(*sources.find_links, *there))


async def assemble(generations: Generations, declared: Declared, sources: Sources, staging: Path) -> list[Wheel]:
    """Every wheel of a declared set, from the folder `wheels` or from an index; exactly those it names.

    Raises:
        PluginRefused: One is not to be had, or is another one than it was.
    """
    found = []
    for one in declared.wheels:
        path = generations.wheels / one.wheel
        if not path.exists():
            await fetch_declared(one.distribution, one.version, one.sha256, sources, staging)
            path = staging / one.wheel
        wheel = open_wheel(path)
        if wheel.sha256 != one.sha256:
            raise PluginRefused(_("{file} is not the wheel that was installed here; its hash differs.", file=one.wheel))
        found.append(wheel)
    return found


def _wheel_at(path: Path, staging: Path) -> Wheel:
    copy = staging / path.name
    try:
        shutil.copyfile(path, copy)  # what is looked at is what is installed, whoever writes to the original
    except OSError as error:
        raise PluginRefused(_("{file} cannot be read: {why}.", file=path, why=error.strerror or error)) from error
    wheel = open_wheel(copy)
    if not wheel.manifests:
        remedy = _("Plugins have an entry point in the group muntin.plugins.")
        raise PluginRefused(_("{file} holds no plugin.", file=path.name), remedy)
    return wheel


def _refuse_the_environments(distribution: str, frozen: Mapping[str, str]) -> None:
    version = frozen.get(normal(distribution))
    if version is not None:
        raise PluginRefused(
            _("{name} {version} is part of the panel's own environment.", name=distribution, version=version),
            _("Change it there, as the panel itself is upgraded."),
        )


def _refuse_what_the_panel_cannot_have(wheel: Wheel, frozen: Mapping[str, str]) -> None:
    """What can be said without asking anybody: a needed distribution is there in a version that does not fit."""
    for one in wheel.requires:
        here = frozen.get(normal(one.name))
        if here is not None and not fits(here, str(one.specifier)):
            raise PluginRefused(
                _(
                    "{name} {version} needs {needed}{wanted}; the panel runs with {needed} {here}.",
                    name=wheel.distribution, version=wheel.version, needed=one.name, wanted=one.specifier, here=here,
                ),
                _("Install a version of it that works with what the panel runs with."),
            )  # fmt: skip


def _kept(generations: Generations, before: Declared, *, without: str) -> list[Wheel]:
    others = [one for one in before.wheels if normal(one.distribution) != normal(without)]
    return [open_wheel(generations.wheels / one.wheel) for one in others]


async def _complete(
    root: Wheel | Requirement, kept: list[Wheel], frozen: Mapping[str, str], sources: Sources, staging: Path
) -> list[Wheel]:
    """The new plugin, what is kept, and what they need; pip is asked only when something is missing."""
    if isinstance(root, Wheel) and not _missing([root, *kept], frozen):
        return [root, *kept]
    asked = str(root.path) if isinstance(root, Wheel) else str(root)
    plugins = [one for one in kept if one.manifests]
    roots = [asked, *(str(one.path) for one in plugins)]
    pins = [f"{one.distribution}=={one.version}" for one in kept if not one.manifests]
    try:
        paths = await resolve(roots, pins, sources, staging)
    except PluginRefused:
        if not pins:
            raise
        paths = await resolve(roots, (), sources, staging)  # what plugins brought along may change its version
    found = {normal(wheel.distribution): wheel for wheel in map(open_wheel, paths)}
    if isinstance(root, Wheel):
        found[normal(root.distribution)] = root
    return list(found.values())


def _missing(wheels: Iterable[Wheel], frozen: Mapping[str, str]) -> bool:
    """Whether anything is needed that neither the environment nor the wheels have."""
    there = dict(frozen) | {normal(one.distribution): one.version for one in wheels}
    return any(
        normal(one.name) not in there or not fits(there[normal(one.name)], str(one.specifier))
        for wheel in wheels
        for one in wheel.requires
    )


def needed(wheels: Mapping[str, Wheel]) -> set[str]:
    """Of wheels by normalised name those that are plugins (they may hold data) or needed by one."""
    found: set[str] = set()
    waiting = [name for name, wheel in wheels.items() if wheel.manifests]
    while waiting:
        name = waiting.pop()
        if name in wheels and name not in found:
            found.add(name)
            waiting += [normal(one.name) for one in wheels[name].requires]
    return found


def _selection(before: Declared, found: list[Wheel], asked: str) -> Selection:
    by_name = {normal(one.distribution): one for one in found}
    wheels = [by_name[name] for name in sorted(needed(by_name) & by_name.keys())]
    if not any(normal(one.distribution) == asked and one.manifests for one in wheels):
        remedy = _("Plugins have an entry point in the group muntin.plugins.")
        raise PluginRefused(_("{name} is no plugin.", name=asked), remedy)
    _refuse_collisions(wheels)
    _refuse_misfits(wheels)
    used = {normal(one.distribution) for one in wheels}
    remaining = Declared(tuple(one for one in before.wheels if normal(one.distribution) in used))
    declared = remaining.with_wheels(_declared_wheel(one, normal(one.distribution) == asked) for one in wheels)
    changed: dict[str, Manifest] = {}
    for wheel in wheels:
        known = before.of_distribution(wheel.distribution)
        if known is None or known.sha256 != wheel.sha256:
            changed.update(wheel.manifests)
    return Selection(declared=declared, wheels=tuple(wheels), changed=changed)


def _declared_wheel(wheel: Wheel, asked_for: bool) -> DeclaredWheel:
    return DeclaredWheel(
        distribution=wheel.distribution,
        version=wheel.version,
        wheel=wheel.path.name,
        sha256=wheel.sha256,
        plugins=tuple(sorted(wheel.manifests)),
        asked_for=asked_for,
    )


def _refuse_collisions(wheels: list[Wheel]) -> None:
    """Nobody may bring a package of a name that is taken: which of the two is imported would be luck."""
    for one, other, name in overlaps(wheels):
        raise PluginRefused(
            _("{a} and {b} both bring a package {name}.", a=one.distribution, b=other.distribution, name=name)
        )
    own = {normal(one.distribution) for one in wheels}
    taken = packages_distributions()
    for wheel in wheels:
        for name in sorted(wheel.top_levels):
            owners = [owner for owner in taken.get(name, ()) if normal(owner) not in own]
            if name in stdlib_module_names or owners:
                owner = owners[0] if owners else "Python"
                raise PluginRefused(
                    _("{a} brings a package {name}, which {b} has too.", a=wheel.distribution, name=name, b=owner)
                )


def _refuse_misfits(wheels: list[Wheel]) -> None:
    """Plugins that do not fit the panel or one another, with the plugins of the environment."""
    manifests = {name: one for name, one in installed_plugins().items() if one.origin == "environment"}
    own: dict[str, Manifest] = {}
    for wheel in wheels:
        for name, manifest in wheel.manifests.items():
            if name in manifests or name in own:
                other = (manifests.get(name) or own[name]).distribution
                raise PluginRefused(
                    _("{a} and {b} both offer a plugin {name}.", a=other, b=manifest.distribution, name=name)
                )
            own[name] = manifest
    there = {*frozen_environment(), *(normal(one.distribution) for one in wheels)}
    for name, manifest in examined({**manifests, **own}, there).items():
        if name in own and manifest.problem:
            raise PluginRefused(f"{name} {manifest.version}: {manifest.problem}", manifest.remedy)
