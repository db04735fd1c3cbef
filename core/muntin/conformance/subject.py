"""What is to be checked: found by name, folder or wheel, and described without importing it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Subject:
    """One plugin.

    Attributes:
        name: Of the entry point in `muntin.plugins`.
        module: What that entry point names.
        node_module: Of the entry point in `muntin.node`; empty without a node half.
        distribution, version, summary, license_name, readme: As the metadata say; empty where they say nothing.
        requires: Requirement lines.
        project: The folder with the `pyproject.toml`; `None` when only a wheel or an installation is known.
        package: Folder of the plugin's package; `None` when it was not found.
        paths: Put in front of `sys.path`, so that this very copy is imported.
    """

    name: str
    module: str
    distribution: str
    version: str
    node_module: str = ""
    summary: str = ""
    license_name: str = ""
    readme: str = ""
    requires_python: str = ""
    requires: tuple[str, ...] = ()
    project: Path | None = None
    package: Path | None = None
    paths: tuple[str, ...] = ()

    @cached_property
    def package_name(self) -> str:
        """The top package."""
        return self.module.split(".")[0]

    @cached_property
    def sources(self) -> Mapping[str, Path]:
        """Dotted module name -> file, of the plugin's own package."""
        if self.package is None:
            return {}
        return {_dotted(path, self.package.parent): path for path in sorted(self.package.rglob("*.py"))}

    @cached_property
    def trees(self) -> Mapping[str, ast.Module]:
        """Dotted module name -> what it says, of those that can be read."""
        found: dict[str, ast.Module] = {}
        for module, path in self.sources.items():
            with suppress(SyntaxError):
                found[module] = ast.parse(path.read_bytes(), filename=str(path))
        return found

    def where(self, path: Path) -> str:
        """A file as an author names it: relative to the project."""
        for base in (self.project, self.package.parent if self.package else None):
            if base is not None and path.is_relative_to(base):
                return path.relative_to(base).as_posix()
        return path.as_posix()

    def as_json(self) -> dict[str, Any]:
        """For the throw-away process."""
        found = {name: value for name, value in asdict(self).items() if name in self.__dataclass_fields__}
        return {name: str(value) if isinstance(value, Path) else value for name, value in found.items()}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Subject:
        """What `as_json` gave."""
        folders = {name: Path(data[name]) if data[name] else None for name in ("project", "package")}
        return cls(**{**data, **folders, "requires": tuple(data["requires"]), "paths": tuple(data["paths"])})


def _dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
