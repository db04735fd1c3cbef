"""Where a plugin may keep files on the panel's machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from muntin.runtime import panel

__all__ = ["plugin_folder"]


def plugin_folder(plugin: str) -> Path:
    """The plugin's own folder, `<data>/plugins/data/<plugin>`, made if it is not there; mode 0700.

    Every process of one machine sees the same one. It stays when the plugin is uninstalled, and goes when it is purged.
    """
    folder = _folder(panel().configuration.data_dir, plugin)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def delete_plugin_folder(data_dir: Path, plugin: str) -> int:
    """Delete a plugin's files; how many there were."""
    folder = _folder(data_dir, plugin)
    count = sum(1 for one in folder.rglob("*") if one.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    return count


def _folder(data_dir: Path, plugin: str) -> Path:
    return data_dir.absolute() / "plugins" / "data" / plugin
