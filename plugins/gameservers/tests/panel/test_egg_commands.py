"""`muntin egg …`, as operators run it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from muntin.configuration import Configuration

MADE_BY_HAND = {
    "meta": {"version": "PTDL_v2", "update_url": None},
    "name": "Echo",
    "docker_images": {"One": "example.test/echo:1"},
    "startup": "./echo",
    "config": {"files": "{}", "startup": "{}", "logs": "{}", "stop": "quit"},
    "scripts": {"installation": {"script": "", "container": "", "entrypoint": ""}},
    "variables": [{"name": "A", "env_variable": "A", "rules": "exotic"}],
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    said: str
    complained: str


class Commands:
    """Runs commands on the database of the module."""

    def __init__(self, configuration: Configuration) -> None:
        self._environment = {
            **os.environ,
            "MUNTIN_DATA_DIR": str(configuration.data_dir),
            "MUNTIN_DATABASE_URL": configuration.store_url,
            "MUNTIN_SECRET_KEY": "a-key-for-tests-0123456789abcdef",
            "MUNTIN_PLUGINS": "gameservers",
        }

    async def run(self, *arguments: str) -> Ended:
        """Run `muntin egg` with these arguments to its end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "muntin.cli", "egg", *arguments,
            env=self._environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complained = await process.communicate()
        return Ended(process.returncode or 0, said.decode(), complained.decode())


@pytest.fixture(scope="module")
def commands(panel_configuration: Configuration) -> Commands:
    """Runs commands."""
    return Commands(panel_configuration)


@pytest.fixture
def egg_file(tmp_path: Path) -> Path:
    """An egg file."""
    file = tmp_path / "echo.json"
    file.write_text(json.dumps(MADE_BY_HAND))
    return file


async def test_egg_is_imported_replaced_and_exported(commands: Commands, egg_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "echo-out.yaml"

    imported = await commands.run("import", str(egg_file), "--nest", "By hand")
    twice, replaced, exported, unknown = await asyncio.gather(
        commands.run("import", str(egg_file), "--nest", "By hand"),
        commands.run("import", str(egg_file), "--nest", "By hand", "--replace", "Echo"),
        commands.run("export", "Echo", "--format", "PLCN_v3", "--out", str(out)),
        commands.run("export", "Nothing"),
    )

    assert (imported.status, imported.said.split(":")[0]) == (0, "Imported Echo into By hand")
    assert "The rule exotic is kept but not checked." in imported.complained
    assert (twice.status, twice.complained.splitlines()[-1]) == (1, "There is an egg of this name in the nest.")
    assert replaced.status == 0
    assert (exported.status, exported.said, "PLCN_v3" in _text(out)) == (0, f"Wrote {out}\n", True)
    assert (unknown.status, unknown.complained.splitlines()[-1]) == (1, "There is no egg 'Nothing'.")


async def test_file_that_is_no_egg_is_refused_in_words(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "words.json"
    file.write_text("just words")

    refused = await commands.run("import", str(file), "--nest", "Never made")
    unknown = await commands.run("export", "Echo", "--nest", "Never made")

    assert (refused.status, refused.said) == (1, "")
    assert unknown.complained.splitlines()[-1] == "There is no egg 'Echo'."


def _text(file: Path) -> str:
    return file.read_text()
