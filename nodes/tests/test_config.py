from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from muntin_node.config import NodeConfig, dump_config, load_config, parse_config, save_config
from muntin_node.errors import ConfigError

CONTRACT = json.loads((Path(__file__).parent / "contracts" / "wings_config.json").read_text())
DIFFERS = {  # muntin's own places and names
    "app_name",
    "system.root_directory",
    "system.log_directory",
    "system.data",
    "system.archive_directory",
    "system.backup_directory",
    "system.tmp_directory",
    "system.username",
    "system.user.passwd.directory",
    "system.machine_id.directory",
    "docker.network.name",
    "docker.network.network_mode",
}


def at(values: dict[str, Any], dotted: str) -> Any:
    for key in dotted.split("."):
        values = values[key]
    return values


@pytest.mark.parametrize("dotted", sorted(CONTRACT["fields"]))
def test_every_field_of_the_contract_is_there_with_its_default(dotted: str) -> None:
    values = dump_config(NodeConfig())

    found = at(values, dotted)

    assert dotted in DIFFERS or found == CONTRACT["fields"][dotted]["default"]


def test_folders_left_out_lie_below_the_root() -> None:
    config = parse_config({"system": {"root_directory": "/srv/x", "tmp_directory": "/tmp/y"}}, source="test")

    system = config.system

    assert [str(system.data), str(system.log_directory), str(system.tmp_directory)] == [
        "/srv/x/volumes",
        "/srv/x/logs",
        "/tmp/y",
    ]
    assert (str(system.passwd_directory), str(system.machine_id_directory)) == ("/srv/x/passwd", "/srv/x/machine-id")


def test_an_empty_folder_means_the_one_below_the_root() -> None:
    config = parse_config({"system": {"root_directory": "/srv/x", "data": "", "log_directory": None}}, source="test")

    assert (str(config.system.data), str(config.system.log_directory)) == ("/srv/x/volumes", "/srv/x/logs")


@pytest.mark.parametrize("key", ["root_directory", "data"])
def test_a_folder_that_depends_on_where_the_agent_is_started_is_refused(key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config({"system": {key: "volumes"}}, source="test")

    assert f"system.{key}" in refused.value.message
    assert "a folder is named by its whole path, from / on" in refused.value.message


def test_unknown_keys_survive_a_rewrite(tmp_path: Path) -> None:
    path = tmp_path / "node.yml"
    path.write_text("token: abc\nfuture: {a: 1}\nsystem: {later: [1, 2]}\ndocker: {network: {IPv6: false}}\n")

    save_config(path, load_config(path))

    written = yaml.safe_load(path.read_text())
    assert (written["future"], written["system"]["later"]) == ({"a": 1}, [1, 2])
    assert written["docker"]["network"]["IPv6"] is False
    assert load_config(path) == parse_config(written, source="again")


def test_the_file_is_readable_by_its_owner_only_and_never_half_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "node.yml"

    save_config(path, NodeConfig(token="secret"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["node.yml"]


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "node.yml"
    path.mkdir()  # os.replace over a folder fails, for root too

    with pytest.raises(ConfigError):
        save_config(path, NodeConfig())

    assert [item.name for item in tmp_path.iterdir()] == ["node.yml"]


def test_the_token_is_not_shown_where_the_configuration_is() -> None:
    assert "secret-token" not in repr(NodeConfig(token="secret-token"))


def test_a_wrong_value_is_named_by_its_key_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "node.yml"
    path.write_text("api: {port: hunter2}\ntoken: [1]\n")

    with pytest.raises(ConfigError) as refused:
        load_config(path)

    assert "api.port" in refused.value.message
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: [", "is not YAML"),
        ("- 1", "holds no mapping"),
        ("a: &a [x]\nb: [*a, *a]", "aliases"),
        ("x: " + "y" * 1_100_000, "larger than 1 MiB"),
        ("[" * 200_000, "nested too deeply"),
    ],
    ids=["broken", "list", "aliases", "large", "deep"],
)
def test_a_hostile_file_is_refused_with_its_reason(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "node.yml"
    path.write_text(content)

    with pytest.raises(ConfigError) as refused:
        load_config(path)

    assert words in refused.value.message


def test_a_missing_file_tells_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "none.yml")

    assert "muntin-node configure" in refused.value.message
    assert list(tmp_path.iterdir()) == []
