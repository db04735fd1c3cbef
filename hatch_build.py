"""Packaging hook: a wheel, sdist or editable install of the panel carries its built page assets."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _builder(root: str) -> ModuleType:
    """`core/muntin/web/build.py`, loaded by path: the panel itself is not importable while it is packaged."""
    spec = importlib.util.spec_from_file_location("muntin_web_build", Path(root, "core/muntin/web/build.py"))
    if spec is None or spec.loader is None:
        raise FileNotFoundError("core/muntin/web/build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class AssetsHook(BuildHookInterface[Any]):
    """Builds `core/muntin/static/dist` when its sources changed; asks for Node.js only then."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node.js from the package index, when assets must be built and none is on `PATH`."""
        builder = _builder(self.root)
        if builder.is_fresh():
            return []
        try:
            builder.find_node()
        except builder.NodeMissing:
            return [builder.NODE_PACKAGE]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files."""
        _builder(self.root).build()
