"""What can be known before any code runs."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from muntin import __version__
from muntin.conformance.finding import Finding, Rule
from muntin.conformance.subject import Subject
from muntin.plugins.manifest import NAME, RESERVED
from muntin.plugins.manifest_file import FILE_NAME, ManifestFile, PluginRefused, read_manifest_file

PYPROJECT = "pyproject.toml"

NAME_RULE = Rule(
    "manifest-name",
    "error",
    "The name is the label of the tables, the folder of the templates and the first word of the jobs.",
    "Name the entry point with 2 to 32 small letters, digits and underscores, a letter first, none of: "
    + ", ".join(sorted(RESERVED)),
)
MODULE_RULE = Rule(
    "manifest-module",
    "error",
    "The panel imports what the entry point names, and nothing else.",
    "Let the entry point name an existing module of the package, for example `muntin_notes.plugin`.",
)
RANGE_RULE = Rule(
    "manifest-range",
    "error",
    "A panel of another version refuses the plugin by name only if it says which versions it was made for.",
    'Depend on a range with both ends, for example "muntin>=0.1,<0.2".',
)
METADATA_RULE = Rule(
    "manifest-metadata",
    "warning",
    "Operators decide by the summary, the licence and the Python version before they install anything.",
    "Complete [project] in pyproject.toml: description, license, readme, requires-python, a version like 1.2.3.",
)
STATIC_RULE = Rule(
    "manifest-static",
    "error",
    "Operators see what a plugin asks for before any of its code runs; a panel refuses a file that it cannot read.",
    f"Put a {FILE_NAME} into the package, as described in docs/plugins/conformance.md.",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Name, module, range and metadata."""
    yield from _name(subject)
    yield from _module(subject)
    yield from _range(subject)
    yield from _metadata(subject)
    yield from _static(subject)


def _name(subject: Subject) -> Iterator[Finding]:
    if not NAME.fullmatch(subject.name) or subject.name in RESERVED:
        yield NAME_RULE.at(PYPROJECT, f"The plugin is called {subject.name!r}.")


def _module(subject: Subject) -> Iterator[Finding]:
    if subject.package is None:
        yield MODULE_RULE.at(PYPROJECT, f"There is no package {subject.package_name}.")
    elif subject.module not in subject.sources:
        yield MODULE_RULE.at(PYPROJECT, f"There is no module {subject.module}.")
    if subject.package is not None and subject.node_module and subject.node_module not in subject.sources:
        yield MODULE_RULE.at(PYPROJECT, f"There is no module {subject.node_module}, which is to be the node half.")


def _range(subject: Subject) -> Iterator[Finding]:
    try:
        needed = [Requirement(line) for line in subject.requires]
    except InvalidRequirement as error:
        yield RANGE_RULE.at(PYPROJECT, f"A requirement cannot be read: {error}")
        return
    panel = [one.specifier for one in needed if one.name.lower() == "muntin"]
    if not panel:
        yield RANGE_RULE.at(PYPROJECT, "It does not say which versions of muntin it needs.")
    elif not panel[0].contains(__version__, prereleases=True):
        yield RANGE_RULE.at(PYPROJECT, f"It needs muntin {panel[0]}; this is {__version__}.")
    elif not _has_both_ends(panel[0]):
        yield RANGE_RULE.at(PYPROJECT, f"Its range muntin{panel[0]} is open at one end.", severity="warning")


def _has_both_ends(range_: SpecifierSet) -> bool:
    operators = {one.operator for one in range_}
    return bool(operators & {"~=", "=="}) or (bool(operators & {">", ">="}) and bool(operators & {"<", "<="}))


def _metadata(subject: Subject) -> Iterator[Finding]:
    told = {
        "description": subject.summary,
        "license": subject.license_name,
        "readme": subject.readme,
        "requires-python": subject.requires_python,
    }
    if missing := [name for name, value in told.items() if not value.strip()]:
        yield METADATA_RULE.at(PYPROJECT, f"Missing: {', '.join(missing)}.")
    try:
        Version(subject.version)
    except InvalidVersion:
        yield METADATA_RULE.at(PYPROJECT, f"The version {subject.version!r} is none that can be compared.")


def static_of(subject: Subject) -> ManifestFile | None:
    """The static file beside the package's code; `None` where there is none.

    Raises:
        PluginRefused: It cannot be read.
    """
    path = subject.package / FILE_NAME if subject.package else None
    if path is None or not path.is_file():
        return None
    return read_manifest_file(path.read_bytes(), source=subject.where(path))


def _static(subject: Subject) -> Iterator[Finding]:
    where = f"{subject.package_name}/{FILE_NAME}"
    try:
        static = static_of(subject)
    except PluginRefused as refusal:
        yield STATIC_RULE.at(where, refusal.reason)
        return
    if static is None:
        yield STATIC_RULE.at(where, "There is none.", severity="warning")
        return
    if static.plugin.name not in (None, subject.name):
        yield STATIC_RULE.at(where, f"It is about {static.plugin.name!r}; the entry point says {subject.name!r}.")
    if static.plugin.muntin and not SpecifierSet(static.plugin.muntin).contains(__version__, prereleases=True):
        yield STATIC_RULE.at(where, f"It needs muntin {static.plugin.muntin}; this is {__version__}.")
