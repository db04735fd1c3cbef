"""Fills the template in this package and writes it into a new folder.

Files of the template end in `.txt`, so that neither linters nor importers take them for code; `@@words@@` in their
names and contents are replaced.
"""

from __future__ import annotations

import keyword
import shutil
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from packaging.version import Version

from muntin import __version__
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.manifest import naming_problem
from muntin.translation import _

TEMPLATE = "template"
ENDING = ".txt"


class Refused(Exception):
    """Nothing was written; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was made.

    Attributes:
        files: Relative to the folder, sorted.
        next_steps: Commands.
    """

    folder: Path
    files: tuple[str, ...]
    next_steps: tuple[str, ...]


def write_plugin(name: str, directory: Path) -> Written:
    """Write a plugin of that name into a new folder `muntin-<name>`; all of it, or nothing.

    Args:
        directory: Where the folder is made; has to exist.

    Raises:
        Refused: The name cannot be used, or the folder is there already.
    """
    _check_name(name)
    if not directory.is_dir():
        raise Refused(_("There is no folder {folder}.", folder=str(directory)))
    folder = directory / f"muntin-{name.replace('_', '-')}"
    if folder.exists():
        raise Refused(_("{folder} exists already; choose another name or --directory.", folder=str(folder)))
    words = _words(name)
    try:
        written = list(_write_all(files("muntin.scaffold") / TEMPLATE, folder, words))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Refused(_("{folder} cannot be written: {why}", folder=str(folder), why=str(error))) from error
    steps = (f"cd {folder}", "pip install -e .[test]", "pytest", "muntin plugin check .", "lint-imports")
    return Written(
        folder=folder,
        files=tuple(sorted(path.relative_to(folder).as_posix() for path in written)),
        next_steps=steps,
    )


def _check_name(name: str) -> None:
    if problem := naming_problem(name):
        raise Refused(f"{name!r}: {problem}")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise Refused(_("{name} is a word of Python; choose another name.", name=name))
    if name in {"node", "muntin", "testing"} or name.endswith("_"):
        raise Refused(_("{name} is used by the panel itself; choose another name.", name=name))
    if name in installed_plugins():
        raise Refused(_("A plugin {name} is installed already; choose another name.", name=name))


def _words(name: str) -> dict[str, str]:
    """What is put in place of `@@...@@`."""
    version = Version(__version__)
    return {
        "name": name,
        "package": f"muntin_{name}",
        "distribution": f"muntin-{name.replace('_', '-')}",
        "class": "".join(part.capitalize() for part in name.split("_")),
        "title": name.replace("_", " ").capitalize(),
        "range": f">={version.major}.{version.minor},<{version.major}.{version.minor + 1}",
    }


def _write_all(source: Traversable, target: Path, words: dict[str, str]) -> list[Path]:
    target.mkdir()
    written = []
    for one in sorted(source.iterdir(), key=lambda each: each.name):
        path = target / _filled(one.name.removesuffix(ENDING), words)
        if one.is_dir():
            written += _write_all(one, path, words)
        elif one.name.endswith(ENDING):
            path.write_text(_filled(one.read_text(encoding="utf-8"), words), encoding="utf-8")
            written.append(path)
    return written


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@@{word}@@", value)
    return text
