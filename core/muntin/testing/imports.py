"""A contract of import-linter: a plugin imports nothing of muntin that is not public.

In a plugin's pyproject.toml, checked by `lint-imports`:

    [tool.importlinter]
    root_packages = ["muntin_notes", "muntin", "muntin_node"]
    contract_types = ["public: muntin.testing.imports.PublicModules"]

    [[tool.importlinter.contracts]]
    name = "Notes imports public modules only"
    type = "public"
    packages = ["muntin_notes"]

What is public is never listed there: it is `muntin.public` of the muntin that is installed. There is no way to ignore
an import on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

from muntin.public import is_public

__all__ = ["PublicModules"]

OURS = ("muntin", "muntin_node")


class PublicModules(Contract):
    """Packages import only documented modules of `muntin` and `muntin_node`.

    Options: `packages`, the packages of the plugin, with all their modules.
    """

    type_name = "public"

    packages: Any = fields.SetField(subfield=fields.ModuleField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at every import of the packages, also those within functions.

        Raises:
            ValueError: A package is not there, or `root_packages` lacks one of muntin's: the proof would be void.
        """
        names = [one.name for one in self.packages]
        if missing := [one for one in (*names, *OURS) if one not in graph.modules]:
            raise ValueError(f"root_packages lacks {', '.join(sorted(missing))}.")
        found = sorted(one for name in names for one in _private(graph, name))
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Say which module imports what, and where."""
        for importer, imported, lines in check.metadata["found"]:
            where = ", ".join(f"l.{line}" for line in lines)
            output.print_error(f"-   {importer} -> {imported} ({where})", bold=False)
        output.new_line()
        output.print_error("docs/plugins/public.md lists what plugins may import.", bold=False)
        output.new_line()


def _private(graph: ImportGraph, package: str) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """(importer, imported, lines) of what should not be."""
    for importer in (package, *graph.find_descendants(package)):
        for imported in graph.find_modules_directly_imported_by(importer):
            if imported.split(".")[0] in OURS and not is_public(imported):
                details = graph.get_import_details(importer=importer, imported=imported)
                yield importer, imported, tuple(sorted({one["line_number"] for one in details}))
