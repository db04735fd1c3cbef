"""Which plugins are installed, read from the metadata of distributions; nothing of them is imported."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from dataclasses import replace
from importlib.machinery import PathFinder
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from muntin.plugins import ENTRY_POINTS
from muntin.plugins.generations import is_in_a_generation
from muntin.plugins.manifest import Manifest, Origin, naming_problem, normal
from muntin.plugins.manifest_file import FILE_NAME, MAX_BYTES, ManifestFile, PluginRefused, read_manifest_file
from muntin.plugins.requirements import examined
from muntin.translation import _

__all__ = ["Manifest", "installed_plugins", "manifest_of"]

NODE_ENTRY_POINTS = "muntin.node"


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
            manifest = replace(found[manifest.name], problem=found[manifest.name].problem or problem)
        found[manifest.name] = manifest
    return examined(found, _there({name for one in found.values() for name in one.requires}))


def _there(names: Iterable[str]) -> Iterable[str]:
    """Those that are installed: to look up these few is quicker than to read the metadata of all there is."""
    return (name for name in names if any(one.name for one in importlib.metadata.distributions(name=name)))


def _manifest(entry_point: importlib.metadata.EntryPoint) -> Manifest:
    distribution = entry_point.dist
    if distribution is None:
        return Manifest(
            name=entry_point.name, module=entry_point.value, distribution=entry_point.name, version="0",
            problem=naming_problem(entry_point.name),
        )  # fmt: skip
    static, problem = _static_of(entry_point)
    halves = [one.name for one in distribution.entry_points if one.group == NODE_ENTRY_POINTS]
    manifest = manifest_of(
        name=entry_point.name,
        module=entry_point.value,
        distribution=distribution.name,
        version=distribution.version,
        summary=str(distribution.metadata["Summary"] or ""),
        requires=distribution.requires or (),
        node_halves=halves,
        static=static,
    )
    origin: Origin = "generation" if is_in_a_generation(Path(str(distribution.locate_file("")))) else "environment"
    return replace(manifest, origin=origin, problem=manifest.problem or problem)


def manifest_of(
    *,
    name: str,
    module: str,
    distribution: str,
    version: str,
    summary: str,
    requires: Iterable[str],
    node_halves: Iterable[str],
    static: ManifestFile,
) -> Manifest:
    """The manifest from a wheel's metadata and its static file, wherever they were read."""
    problem = naming_problem(name)
    try:
        wanted = [Requirement(text) for text in requires]
    except InvalidRequirement as error:
        wanted, problem = [], problem or _("Its metadata is broken: Requires-Dist: {why}", why=str(error)[:200])
    here = {normal(one.name): str(one.specifier) for one in wanted if one.marker is None or one.marker.evaluate()}
    if static.plugin.name not in (None, name):
        problem = problem or _(
            "{file}: plugin.name is {said}, the entry point says {name}.",
            file=FILE_NAME, said=static.plugin.name, name=name,
        )  # fmt: skip
    ranges = [part for part in (here.get("muntin", ""), static.plugin.muntin) if part]
    return Manifest(
        name=name,
        module=module,
        distribution=distribution,
        version=version,
        summary=summary,
        requires=here,
        needs=dict(static.plugin.requires),
        muntin=",".join(ranges),
        capabilities=static.capabilities,
        node_halves=tuple(sorted(node_halves)),
        problem=problem,
        remedy=_("Tell its author; install a version where this is corrected.") if problem else "",
    )


def _static_of(entry_point: importlib.metadata.EntryPoint) -> tuple[ManifestFile, str]:
    """The static file beside the package's code, and what is wrong with it."""
    package = entry_point.value.partition(":")[0].partition(".")[0]
    try:
        spec = PathFinder.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / FILE_NAME
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError:
            continue
        try:
            return read_manifest_file(raw, source=f"{package}/{FILE_NAME}"), ""
        except PluginRefused as refusal:
            return ManifestFile(), refusal.reason
    return ManifestFile(), ""
