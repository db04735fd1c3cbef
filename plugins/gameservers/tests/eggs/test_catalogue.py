"""Our own eggs: one in each format, whole, and honest about what they run."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import yaml

from muntin_gameservers.eggs.advice import advice
from muntin_gameservers.eggs.catalogue import CatalogueEntry, catalogue
from muntin_gameservers.eggs.definition import EggDefinition, EggVersion
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.eggs.rules import check
from muntin_gameservers.eggs.writing import write_egg


def eggs() -> dict[str, EggDefinition]:
    return {entry.file_name: read_egg(entry.data, name=entry.file_name) for entry in catalogue()}


def is_written_back(entry: CatalogueEntry) -> bool:
    is_json = entry.file_name.endswith(".json")
    parse = json.loads if is_json else yaml.safe_load
    written = write_egg(read_egg(entry.data), syntax="json" if is_json else "yaml")
    return bool(parse(written) == parse(entry.data))


def test_every_format_has_an_egg() -> None:
    versions = {egg.version for egg in eggs().values()}

    assert versions == set(EggVersion)


def test_every_egg_comes_back_from_import_and_export() -> None:
    assert [entry.file_name for entry in catalogue() if not is_written_back(entry)] == []


def test_every_egg_is_without_advice_and_its_defaults_pass_its_rules() -> None:
    for egg in eggs().values():
        rules = {each.env_variable: each.rules for each in egg.variables}
        defaults = {each.env_variable: each.default_value for each in egg.variables}

        assert (advice(egg), check(rules, defaults)) == ((), {})


def test_every_install_script_is_shell(tmp_path: Path) -> None:
    shell = shutil.which("sh")
    assert shell is not None

    for egg in eggs().values():
        script = tmp_path / "install.sh"
        script.write_text(egg.installation.script)
        assert subprocess.run([shell, "-n", script], capture_output=True, check=False).stderr == b""


def test_echo_server_installs_runs_and_stops_without_network(tmp_path: Path) -> None:
    egg = eggs()["echo-server.json"]
    folder = tmp_path / "server"
    script = egg.installation.script.replace("/mnt/server", str(folder))
    subprocess.run(["sh", "-c", script], check=True, capture_output=True)
    (folder / "echo-server.conf").write_text("greeting=Hi $(id) `id`\nport=25565\ntick=0\n")

    run = subprocess.run(
        ["sh", "-c", egg.startup],
        cwd=folder,
        input=b"say a \\n  b\nnonsense\n" + egg.config.stop.encode() + b"\nsay never\n",
        capture_output=True,
        env={"PATH": os.environ["PATH"]},
        timeout=20,
        check=True,
    )

    assert run.stdout.decode().splitlines() == [
        "Hi $(id) `id`",
        "Echo server is ready on port 25565",
        "Echo: a \\n  b",
        "Unknown command: nonsense",
        "Echo server stops after 3 lines.",
    ]
    assert str(egg.config.startup["done"]) in run.stdout.decode()
