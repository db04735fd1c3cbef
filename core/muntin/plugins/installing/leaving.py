"""The declared set without one of its plugins."""

from __future__ import annotations

from pathlib import Path

from muntin.errors import NotFound
from muntin.plugins.declared import Declared, DeclaredWheel
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.installing.selection import needed
from muntin.plugins.installing.wheels import open_wheel
from muntin.plugins.manifest import normal
from muntin.plugins.manifest_file import PluginRefused
from muntin.plugins.requirements import examined
from muntin.translation import _


def without(plugin: str, declared: Declared, wheels: Path) -> Declared:
    """What is left when a plugin goes, with what only it needed.

    Raises:
        NotFound: It is not installed.
        PluginRefused: It is part of the panel's environment, or others need it.
    """
    leaving = declared.of_plugin(plugin)
    manifests = installed_plugins()
    if leaving is None:
        if plugin in manifests:
            raise PluginRefused(
                _("{name} is part of the panel's own environment.", name=plugin),
                _("Uninstall {wheel} there (pip), then purge it if you like.", wheel=manifests[plugin].distribution),
            )
        raise NotFound(_("No plugin {name} is installed.", name=plugin))
    _refuse_needed(leaving)
    opened = {normal(one.distribution): open_wheel(wheels / one.wheel) for one in declared.wheels if one != leaving}
    kept = needed(opened)
    return Declared(tuple(one for one in declared.wheels if normal(one.distribution) in kept))


def _refuse_needed(leaving: DeclaredWheel) -> None:
    known = installed_plugins()
    left = {name: one for name, one in known.items() if name not in leaving.plugins}
    there = {one for manifest in left.values() for one in manifest.requires} - {normal(leaving.distribution)}
    for name, manifest in examined(left, there).items():
        if manifest.problem and not known[name].problem:
            raise PluginRefused(
                _("{name} needs it: {why}", name=name, why=manifest.problem), _("Uninstall {name} first.", name=name)
            )
