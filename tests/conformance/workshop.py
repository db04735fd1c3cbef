"""Puts a broken plugin together: the sound one, and over it what differs."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from muntin.scaffold import write_plugin

FOLDERS = Path(__file__).parents[1] / "broken_plugins"
BLOCK = re.compile(r"^<<<<\n(.*?)\n====\n(?:(.*?)\n)?>>>>$", re.MULTILINE | re.DOTALL)
RULES = re.compile(r"^([a-z]+(?:-[a-z]+)+(?:, [a-z]+(?:-[a-z]+)+)*): ")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a plugin.

    Attributes:
        rules: That are expected to find it; empty where its author did not know them.
    """

    words: str
    rules: frozenset[str]


def folders() -> list[Path]:
    """Every broken plugin."""
    return sorted(path.parent for path in FOLDERS.glob("*/FAULT"))


def fault_of(folder: Path) -> Fault:
    """What its `FAULT` says."""
    line = (folder / "FAULT").read_text().strip()
    named = RULES.match(line)
    return Fault(line[named.end() :] if named else line, frozenset(named[1].split(", ") if named else ()))


def put_together(folder: Path, target: Path) -> Path:
    """The plugin's project folder, below `target`."""
    if (folder / "WHOLE").exists():
        return Path(shutil.copytree(folder, target / folder.name))
    project = write_plugin("sound", target).folder
    for path in sorted(one for one in folder.rglob("*") if one.is_file() and one.name != "FAULT"):
        place = project / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".edit":
            _edit(place.with_suffix(""), path.read_text())
        elif path.suffix == ".removed":
            place.with_suffix("").unlink()
        else:
            shutil.copyfile(path, place)
    return project


def _edit(place: Path, blocks: str) -> None:
    text = place.read_text()
    for old, new in BLOCK.findall(blocks):
        assert text.count(old) == 1, f"{place.name}: these lines are there {text.count(old)} times:\n{old}"
        text = text.replace(old + "\n", new + "\n" if new else "") if old + "\n" in text else text.replace(old, new)
    place.write_text(text)
