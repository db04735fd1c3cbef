from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from muntin_gameservers.contract import ConfigurationFile, Replacement
from muntin_gameservers.node.rewriting.configuration_files import rewrite_files
from muntin_gameservers.node.rewriting.documents import rewrite_json, rewrite_toml, rewrite_yaml
from muntin_gameservers.node.rewriting.errors import RewriteRefused
from muntin_gameservers.node.rewriting.lines import rewrite_ini, rewrite_plain, rewrite_properties
from muntin_gameservers.node.rewriting.replacing import visible_configuration
from muntin_gameservers.node.rewriting.xml_documents import rewrite_xml
from muntin_node.files import ConfinedRoot, Owner

BILLION_LAUGHS = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>'
ALIAS_BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


def put(match: str, value: Any, if_value: str | None = None) -> Replacement:
    return Replacement(match=match, replace_with=value, if_value=if_value)


def test_file_replaces_whole_lines_that_start_with_a_match() -> None:
    text = "port 1\r\nname old\n# port 2\nport-extra\n"

    assert rewrite_plain(text, [put("port ", "port 25565"), put("name", "name new")]) == (
        "port 25565\r\nname new\n# port 2\nport-extra\n"
    )


def test_file_concatenates_several_matches_of_one_line_and_adds_none() -> None:
    assert rewrite_plain("ab\n", [put("a", "1"), put("ab", "2"), put("zz", "3")]) == "12\n"


def test_properties_are_set_added_and_escaped() -> None:
    text = "# Minecraft\nserver-port=25565\nmotd = A \\\n  long one\nonline-mode: true\n"
    changes = [put("server-port", "26000"), put("motd", "Grüße = \\o/"), put("server-ip", ""), put("a b", 1)]

    assert rewrite_properties(text, changes) == (
        "# Minecraft\nserver-port=26000\nmotd=Gr\\u00FC\\u00DFe = \\\\o/\nonline-mode: true\nserver-ip=\na\\ b=1\n"
    )


def test_properties_honour_conditions() -> None:
    changes = [put("a", "9", "1"), put("b", "9", "1"), put("c", "9", "1"), put("d", "$1!", "regex:^v(.)$")]

    assert rewrite_properties("a=1\nb=2\nd=v7\n", changes) == "a=9\nb=2\nd=7!\n"


def test_value_with_line_ends_stays_on_its_line() -> None:
    assert rewrite_properties("", [put("motd", "a\nop=me\r\n")]) == "motd=a op=me  \n"
    assert rewrite_ini("[a]\n", [put("a.b", "1\n[c]")]) == "[a]\nb=1 [c]\n"
    assert rewrite_plain("x\n", [put("x", "1\n2")]) == "1 2\n"


def test_ini_sets_keys_and_adds_sections_keeping_comments() -> None:
    text = "; hello\nfree = 1\n[Server.Main]\nPort = 7777\n\n[other]\nx=1\n"
    changes = [put("[Server.Main].Port", 7000), put("[Server.Main].Query.Port", 1), put("free", 2), put("new.key", "v")]

    assert rewrite_ini(text, changes) == (
        "; hello\nfree = 2\n[Server.Main]\nPort = 7000\nQuery.Port=1\n\n[other]\nx=1\n[new]\nkey=v\n"
    )


def test_json_sets_paths_indexes_and_every_child_in_the_type_that_is_there() -> None:
    text = json.dumps({"port": "1", "max": 5, "on": True, "list": [{"x": 1}], "worlds": {"a": {"k": 0}, "b": {"k": 0}}})
    changes = [
        put("port", "25565"), put("max", "7"), put("on", False), put("list[0].x", "2"), put("list[4].x", "2"),
        put("worlds.*.k", "9"), put("deep.er.key", "3"), put("deep.text", "3x"),
    ]  # fmt: skip

    assert json.loads(rewrite_json(text, changes)) == {
        "port": "25565",
        "max": 7,
        "on": False,
        "list": [{"x": 2}],
        "worlds": {"a": {"k": 9}, "b": {"k": 9}},
        "deep": {"er": {"key": 3}, "text": "3x"},
    }


def test_json_conditions_compare_the_value() -> None:
    changes = [put("servers.*.address", "10.0.0.1$1", "regex:^127\\.0\\.0\\.1(:\\d+)$"), put("mode", "b", "a")]

    rewritten = rewrite_json(
        '{"servers": {"x": {"address": "127.0.0.1:5"}, "y": {"address": "h:5"}}, "mode": "a"}', changes
    )

    assert json.loads(rewritten) == {
        "servers": {"x": {"address": "10.0.0.1:5"}, "y": {"address": "h:5"}},
        "mode": "b",
    }


def test_yaml_and_toml_are_rewritten() -> None:
    assert rewrite_yaml("listeners:\n- host: 0.0.0.0:1\n", [put("listeners[0].host", "0.0.0.0:25577")]) == (
        "listeners:\n- host: 0.0.0.0:25577\n"
    )
    assert rewrite_yaml("", [put("a.b", True)]) == "a:\n  b: true\n"
    assert rewrite_toml("# kept\nbind = 'x'\n[a]\nport = 1\n", [put("bind", "y"), put("a.port", "2")]) == (
        '# kept\nbind = "y"\n[a]\nport = 2\n'
    )


def test_xml_sets_texts_and_attributes_and_makes_what_is_missing() -> None:
    text = "<S><property name='Port' value='1'/><!-- c --><Name>old</Name></S>"
    changes = [
        put("S.property[@name='Port']", "[value='7000']"),
        put("S.property[@name='New']", "[value='1']"),
        put("S.Name", "<new> & co"),
        put("S.Sub.Deep", 5),
        put("S.*.none", "x"),
        put("Other.Root", "x"),
    ]

    assert rewrite_xml(text, changes) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<S>\n  <property name="Port" value="7000" />\n  <!-- c -->\n'
        '  <Name>&lt;new&gt; &amp; co</Name>\n  <property name="New" value="1" />\n  <Sub>\n    <Deep>5</Deep>\n'
        "  </Sub>\n</S>\n"
    )


@pytest.mark.parametrize(
    ("rewrite", "text"),
    [
        (rewrite_yaml, ALIAS_BOMB),
        (rewrite_yaml, "[" * 5000),
        (rewrite_yaml, "a: 1\n---\nb: 2\n"),
        (rewrite_yaml, "a: !!python/object/apply:os.system ['x']"),
        (rewrite_json, "[" * 100_000),
        (rewrite_json, "{"),
        (rewrite_toml, "a = "),
        (rewrite_xml, BILLION_LAUGHS),
        (rewrite_xml, "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"),
        (rewrite_xml, "<a>" * 100_000),
        (rewrite_xml, "<a"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else value.__name__,
)
def test_bombs_and_broken_documents_are_refused(rewrite: Any, text: str) -> None:
    with pytest.raises(RewriteRefused):
        rewrite(text, [put("a", "1")])


def rewritten(folder: Path, *files: ConfigurationFile) -> list[str]:
    with ConfinedRoot(folder) as root:
        return rewrite_files(
            root,
            files,
            visible=visible_configuration("172.18.0.1"),
            variables={"WORLD": "desert"},
            owner=Owner(os.getuid(), os.getgid()),
        )


def config_file(name: str, parser: str, *replace: Replacement, create: bool = True) -> ConfigurationFile:
    return ConfigurationFile(file=name, parser=parser, replace=list(replace), create_file=create)


def test_placeholders_see_the_interface_and_never_the_nodes_token(tmp_path: Path) -> None:
    names = ("config.docker.interface", " config.docker.network.interface ", "config.token", "config.uuid")
    wanted = [put(f"k{number}", f"{{{{{name}}}}}") for number, name in enumerate(names)]

    complaints = rewritten(tmp_path, config_file("a.properties", "properties", *wanted))

    assert complaints == []
    assert (tmp_path / "a.properties").read_text() == (
        "k0=172.18.0.1\nk1=172.18.0.1\nk2={{config.token}}\nk3={{config.uuid}}\n"
    )


def test_files_are_made_with_their_folders_or_left_out(tmp_path: Path) -> None:
    rewritten(
        tmp_path,
        config_file("worlds/{{WORLD}}/server.properties", "properties", put("a", "1")),
        config_file("other.properties", "properties", put("a", "1"), create=False),
        config_file("unknown.bin", "binary", put("a", "1")),
    )

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == [
        "worlds/desert/server.properties"
    ]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret, home = tmp_path / "secret.properties", tmp_path / "home"
    secret.write_text("a=0\n")
    home.mkdir()
    (home / "link.properties").symlink_to(secret)
    (home / "folder").symlink_to(tmp_path)

    complaints = rewritten(
        home,
        config_file("link.properties", "properties", put("a", "1")),
        config_file("folder/secret.properties", "properties", put("a", "1")),
        config_file("../secret.properties", "properties", put("a", "1")),
    )

    assert secret.read_text() == "a=0\n"
    assert len(complaints) == 3


def test_large_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(1024**3)

    complaints = rewritten(tmp_path, config_file("big.json", "json", put("a", "1")))

    assert complaints == ["The configuration file big.json was left as it is: it is larger than 8 MiB"]


def test_mode_of_a_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("[a]\nb=1\n")
    (tmp_path / "a.ini").chmod(0o600)

    rewritten(tmp_path, config_file("a.ini", "ini", put("a.b", "2")))

    assert ((tmp_path / "a.ini").stat().st_mode & 0o777, (tmp_path / "a.ini").read_text()) == (0o600, "[a]\nb=2\n")


@pytest.mark.docker
async def test_files_are_rewritten_before_a_start_and_belong_to_the_server(node: Any) -> None:
    configs = [
        {
            "file": "server.properties",
            "parser": "properties",
            "replace": [{"match": "ip", "replace_with": "{{config.docker.interface}}"}],
        },
        {"file": "bad.yml", "parser": "yaml", "replace": [{"match": "a", "replace_with": "1"}]},
    ]
    uuid = await node.install(process={"configs": configs})
    (node.volume(uuid) / "bad.yml").write_text(ALIAS_BOMB)

    await node.power(uuid, "start", "running")

    written = node.volume(uuid) / "server.properties"
    assert (written.read_text(), written.stat().st_uid) == ("ip=172.31.250.1\n", 988)
    assert "anchors or aliases" in await node.says(uuid, "bad.yml was left")
