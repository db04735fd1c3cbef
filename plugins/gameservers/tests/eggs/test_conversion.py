"""Writing an egg in another format than it was read in."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from muntin_gameservers.eggs.errors import EggVersionUnknown
from muntin_gameservers.eggs.reading import read_document, read_egg
from muntin_gameservers.eggs.writing import write_egg

VERSIONS = ("PTDL_v1", "PTDL_v2", "PLCN_v1", "PLCN_v2", "PLCN_v3")
MakeDocument = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("target", VERSIONS)
@pytest.mark.parametrize("source", VERSIONS)
def test_what_both_formats_know_survives(source: str, target: str, make_document: MakeDocument) -> None:
    egg = read_document(make_document(source))

    other = read_egg(write_egg(egg, target, "yaml"))

    assert other.version == target
    assert list(other.docker_images.values()) == list(egg.docker_images.values())
    assert other.startup == egg.startup
    assert other.config == egg.config
    assert other.installation == egg.installation
    assert [each.rules for each in other.variables] == [each.rules for each in egg.variables]


def test_v1_becomes_v2(make_document: MakeDocument) -> None:
    document = make_document("PTDL_v1")
    document["variables"][0]["user_viewable"] = 1

    written = json.loads(write_egg(read_document(document), "PTDL_v2"))

    assert written["meta"] == {"version": "PTDL_v2", "update_url": None}
    assert "images" not in written
    assert written["docker_images"] == {"java:21": "java:21", "java:17": "java:17"}
    assert written["variables"] == [
        {
            "name": "Map",
            "description": "The first map.",
            "env_variable": "MAP",
            "default_value": "dm1",
            "user_viewable": True,
            "user_editable": False,
            "rules": "required|regex:/^(dm|ctf)\\d$/|max:20",
            "field_type": "text",
        }
    ]


def test_v2_becomes_v3_with_rules_split_outside_the_regex(make_document: MakeDocument) -> None:
    written = json.loads(write_egg(read_document(make_document("PTDL_v2")), "PLCN_v3"))

    assert written["startup_commands"] == {"Default": "./run {{MAP}}"}
    assert "startup" not in written
    assert written["variables"][0]["rules"] == ["required", "regex:/^(dm|ctf)\\d$/", "max:20"]
    assert written["variables"][0]["sort"] == 1
    assert (written["uuid"], written["tags"], written["icon"]) == (None, [], None)


def test_v3_becomes_v2_with_its_first_start_command(make_document: MakeDocument) -> None:
    written = json.loads(write_egg(read_document(make_document("PLCN_v3")), "PTDL_v2"))

    assert written["startup"] == "./run -p 1"
    assert {"startup_commands", "icon", "tags", "uuid"}.isdisjoint(written)


def test_unknown_keys_travel_along(make_document: MakeDocument) -> None:
    document = make_document("PTDL_v2") | {"surprise": {"a": 1}}
    document["variables"][0]["hint"] = "x"

    written = json.loads(write_egg(read_document(document), "PLCN_v3"))

    assert (written["surprise"], written["variables"][0]["hint"]) == ({"a": 1}, "x")


def test_config_is_a_mapping_in_yaml_of_the_later_formats_only(make_document: MakeDocument) -> None:
    egg = read_document(make_document("PTDL_v2"))

    written = [yaml.safe_load(write_egg(egg, version, "yaml"))["config"]["files"] for version in VERSIONS]

    assert [type(files) for files in written] == [str, str, str, dict, dict]


def test_unknown_target_is_refused(make_document: MakeDocument) -> None:
    egg = read_document(make_document("PTDL_v2"))

    with pytest.raises(EggVersionUnknown) as refusal:
        write_egg(egg, "PTDL_v9")

    assert refusal.value.fields == {"meta.version": ["Unknown format version 'PTDL_v9'."]}
