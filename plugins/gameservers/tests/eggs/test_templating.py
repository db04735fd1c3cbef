"""Start commands and process configurations of one server."""

from typing import Any

import pytest

from muntin_gameservers.eggs.definition import EggConfig, EggDefinition
from muntin_gameservers.eggs.templating import process_configuration, render_startup, resolve_config_files

SERVER: dict[str, Any] = {
    "uuid": "c2a3c1f8-7f0b-4b7e-9c0d-6a7d5c1d9b34",
    "meta": {"name": "Mine", "description": ""},
    "suspended": False,
    "environment": {"MAP": "dm1", "ODD": "{{server.uuid}}", "P_SERVER_UUID": "x"},
    "build": {"memory_limit": 1024, "swap": 0, "disk_space": 5000, "cpu_limit": 100, "io_weight": 500},
    "container": {"image": "debian:bookworm-slim"},
    "allocations": {"default": {"ip": "192.0.2.7", "port": 27960}, "mappings": {"192.0.2.7": [27960]}},
    "token": "never to be seen",
}


def resolved(text: str) -> Any:
    egg = EggDefinition(name="x", config=EggConfig(files={"a": {"parser": "ini", "find": {"k": text}}}))
    replacements: Any = resolve_config_files(egg, SERVER)[0]["replace"]
    return replacements[0]["replace_with"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("./run -p {{SERVER_PORT}} +map {{MAP}}", "./run -p 27960 +map dm1"),
        ("{{map}}", "dm1"),
        ("{{UNKNOWN}} {{ MAP }} {MAP} ${MAP}", "{{UNKNOWN}} {{ MAP }} {MAP} ${MAP}"),
        ("{{TRICK}}", "{{MAP}}"),
        ("$(( {{SERVER_MEMORY}} * 2 ))", "$(( 0 * 2 ))"),
    ],
)
def test_start_command_is_shown_with_its_values(text: str, shown: str) -> None:
    variables = {"SERVER_PORT": "27960", "SERVER_MEMORY": "0", "MAP": "dm1", "TRICK": "{{MAP}}"}

    assert render_startup(text, variables) == shown


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{server.build.default.port}}", "27960"),
        ("{{server.build.default.ip}}:{{server.build.default.port}}", "192.0.2.7:27960"),
        ("{{server.allocations.default.port}}", "27960"),
        ("{{server.build.memory}}", "1024"),
        ("{{server.build.memory_limit}}", "1024"),
        ("{{server.build.env.MAP}}", "dm1"),
        ("{{server.build.environment.MAP}}", "dm1"),
        ("{{server.environment.MAP}}", "dm1"),
        ("{{server.build.env.SERVER_PORT}}", "27960"),
        ("{{server.build.env.SERVER_IP}}", "192.0.2.7"),
        ("{{server.environment.SERVER_MEMORY}}", "1024"),
        ("{{env.MAP}}", "dm1"),
        ("{{env.map}}", "dm1"),
        ("{{env.SERVER_PORT}}", "27960"),
        ("{{ server.uuid }}", "c2a3c1f8-7f0b-4b7e-9c0d-6a7d5c1d9b34"),
        ("{{server.name}}", "Mine"),
        ("{{server.suspended}}", "false"),
        ("{{server.build.image}}", "debian:bookworm-slim"),
        ("{{env.ODD}}", "{{server.uuid}}"),
        ("{{server.token}}|{{server.allocations}}|{{server.nothing.here}}|{{env.NOTHING}}", "|||"),
        ("{{config.docker.interface}}", "{{config.docker.network.interface}}"),
        ("{{config.docker.network.interface}}", "{{config.docker.network.interface}}"),
        ("{{config.token}}", "{{config.token}}"),
        ("{{other.thing}} {MAP}", "{{other.thing}} {MAP}"),
    ],
)
def test_placeholders_of_both_families_are_filled_in(text: str, value: str) -> None:
    assert resolved(text) == value


def test_process_configuration_has_the_form_a_node_takes() -> None:
    find = {
        "port": "{{server.build.default.port}}",
        "online": True,
        "slots": 12,
        "empty": None,
        "servers[*].address": {"regex:^(127\\.0\\.0\\.1)": "{{config.docker.interface}}", "{{env.MAP}}": False},
    }
    files: dict[str, Any] = {"a.json": {"parser": "json", "find": find, "create_file": False}, "b.cfg": {"find": {}}}
    startup: dict[str, Any] = {"done": ["ready", "regex:^up"], "strip_ansi": True}
    egg = EggDefinition(name="x", config=EggConfig(files=files, startup=startup, stop="^c"))

    assert process_configuration(egg, SERVER) == {
        "startup": {"done": ["ready", "regex:^up"], "user_interaction": [], "strip_ansi": True},
        "stop": {"type": "signal", "value": "C"},
        "configs": [
            {
                "file": "a.json",
                "parser": "json",
                "replace": [
                    {"match": "port", "replace_with": "27960"},
                    {"match": "online", "replace_with": True},
                    {"match": "slots", "replace_with": 12},
                    {"match": "empty", "replace_with": ""},
                    {
                        "match": "servers[*].address",
                        "if_value": "regex:^(127\\.0\\.0\\.1)",
                        "replace_with": "{{config.docker.network.interface}}",
                    },
                    {"match": "servers[*].address", "if_value": "dm1", "replace_with": False},
                ],
                "create_file": False,
            },
            {"file": "b.cfg", "parser": "file", "replace": []},
        ],
    }


@pytest.mark.parametrize(
    ("stop", "entry"),
    [
        ("^C", {"type": "signal", "value": "C"}),
        ("^^C", {"type": "signal", "value": "C"}),
        ("^SIGTERM", {"type": "signal", "value": "SIGTERM"}),
        ("quit", {"type": "command", "value": "quit"}),
        ("", {"type": "stop", "value": ""}),
    ],
)
def test_stop_is_a_command_or_a_signal(stop: str, entry: dict[str, str]) -> None:
    assert process_configuration(EggDefinition(name="x", config=EggConfig(stop=stop)), SERVER)["stop"] == entry


@pytest.mark.parametrize(("done", "texts"), [("ready", ["ready"]), (None, []), (["a", 5], ["a", "5"])])
def test_done_is_always_a_list(done: Any, texts: list[str]) -> None:
    egg = EggDefinition(name="x", config=EggConfig(startup={"done": done}))

    assert process_configuration(egg, SERVER)["startup"] == {
        "done": texts,
        "user_interaction": [],
        "strip_ansi": False,
    }
