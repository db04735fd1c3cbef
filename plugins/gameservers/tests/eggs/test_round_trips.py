"""Reading and writing in one format gives the same document, whatever it leaves out or spells its own way."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.eggs.reading import read_document, read_egg
from muntin_gameservers.eggs.writing import write_egg, yaml_bytes
from muntin_gameservers.eggs.yaml_parsing import parse_yaml

Document = dict[str, Any]
MakeDocument = Callable[..., Document]
Syntax = Literal["json", "yaml"]
VERSIONS = ("PTDL_v1", "PTDL_v2", "PLCN_v1", "PLCN_v2", "PLCN_v3")
SYNTAXES: tuple[Syntax, ...] = ("json", "yaml")
OPTIONAL = (
    ("_comment",),
    ("meta", "update_url"),
    ("exported_at",),
    ("author",),
    ("description",),
    ("uuid",),
    ("tags",),
    ("icon",),
    ("features",),
    ("file_denylist",),
    ("images",),
    ("config",),
    ("config", "files"),
    ("config", "startup"),
    ("config", "logs"),
    ("config", "stop"),
    ("scripts",),
    ("scripts", "installation"),
    ("scripts", "installation", "script"),
    ("scripts", "installation", "container"),
    ("scripts", "installation", "entrypoint"),
    ("variables",),
    ("variables", 0, "description"),
    ("variables", 0, "default_value"),
    ("variables", 0, "user_viewable"),
    ("variables", 0, "user_editable"),
    ("variables", 0, "rules"),
    ("variables", 0, "sort"),
    ("variables", 0, "field_type"),
)
SPELLINGS: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    (("file_denylist",), {}),
    (("file_denylist",), {"0": "a", "2": "b"}),
    (("file_denylist",), None),
    (("features",), None),
    (("features",), {}),
    (("tags",), []),
    (("icon",), None),
    (("meta", "extra"), {"deep": [1, {"b": None}]}),
    (("surprise",), {"deep": [1.5, True, "1"]}),
    (("config", "surprise"), "x"),
    (("config", "files"), "[]"),
    (("config", "files"), []),
    (("config", "files"), {"a": {"parser": "file", "find": {"x": 1}, "create_file": False}}),
    (("config", "startup"), {"done": ""}),
    (("config", "logs"), '{"custom": true, "location": "latest.log"}'),
    (("scripts", "surprise"), {"x": "y"}),
    (("scripts", "installation", "surprise"), [1]),
    (("variables",), {}),
    (("variables", 0, "user_viewable"), 1),
    (("variables", 0, "user_editable"), 0),
    (("variables", 0, "user_editable"), "1"),
    (("variables", 0, "default_value"), True),
    (("variables", 0, "default_value"), 25565),
    (("variables", 0, "default_value"), 1.5),
    (("variables", 0, "default_value"), None),
    (("variables", 0, "rules"), ""),
    (("variables", 0, "rules"), "required||string|"),
    (("variables", 0, "rules"), ["required", "regex:/a|b/", ""]),
    (("variables", 0, "sort"), None),
    (("variables", 0, "surprise"), {"x": 1}),
    (("name",), 2048),
)


def serialised(document: Document, syntax: Syntax) -> bytes:
    text = json.dumps(document) if syntax == "json" else yaml.safe_dump(document, sort_keys=False)
    return text.encode()


def parsed(data: bytes, syntax: Syntax) -> Any:
    return json.loads(data) if syntax == "json" else yaml.safe_load(data)


def same_types(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def stored_and_loaded(egg: EggDefinition) -> EggDefinition:
    """The egg after a stay in a jsonb column, which forgets the order of keys."""
    return EggDefinition.from_json(json.loads(json.dumps(egg.as_json(), sort_keys=True)))


def put(document: Document, path: tuple[str | int, ...], value: Any) -> None:
    holder: Any = document
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value


def drop(document: Document, path: tuple[str | int, ...]) -> None:
    holder: Any = document
    for part in path[:-1]:
        holder = holder[part]
    holder.pop(path[-1], None)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("version", VERSIONS)
def test_full_document_comes_back_with_its_order(version: str, syntax: Syntax, make_document: MakeDocument) -> None:
    document = make_document(version, syntax)

    egg = read_egg(serialised(document, syntax))
    written = parsed(write_egg(stored_and_loaded(egg), syntax=syntax), syntax)

    assert same_types(written, document)
    for ordered in ("docker_images", "startup_commands"):
        assert list(written.get(ordered, {})) == list(document.get(ordered, {}))


@pytest.mark.parametrize("path", OPTIONAL, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("version", VERSIONS)
def test_document_without_an_optional_field_comes_back_without_it(
    version: str, path: tuple[str | int, ...], make_document: MakeDocument
) -> None:
    for syntax in SYNTAXES:
        document = make_document(version, syntax)
        if path != ("images",) or version == "PTDL_v1":
            drop(document, path)

        written = write_egg(stored_and_loaded(read_egg(serialised(document, syntax))), syntax=syntax)

        assert same_types(parsed(written, syntax), document)


@pytest.mark.parametrize(("path", "value"), SPELLINGS, ids=str)
@pytest.mark.parametrize("version", VERSIONS)
def test_unusual_spelling_comes_back_as_it_was(
    version: str, path: tuple[str | int, ...], value: Any, make_document: MakeDocument
) -> None:
    for syntax in SYNTAXES:
        document = make_document(version, syntax)
        put(document, path, value)

        written = write_egg(stored_and_loaded(read_egg(serialised(document, syntax))), syntax=syntax)

        assert same_types(parsed(written, syntax), document)


@pytest.mark.parametrize(
    ("version", "key", "value", "images"),
    [
        ("PTDL_v1", "image", "java:8", {"java:8": "java:8"}),
        ("PTDL_v1", "docker_images", {"Java": "java:8"}, {"Java": "java:8"}),
        ("PTDL_v1", "images", ["a", "a"], {"a": "a"}),
        ("PTDL_v1", "images", None, {"nil": "nil"}),
        ("PTDL_v2", "images", ["java:8"], {"java:8": "java:8"}),
        ("PTDL_v2", "docker_images", ["java:8"], {"java:8": "java:8"}),
    ],
)
def test_images_under_another_key_are_understood_and_written_back(
    version: str, key: str, value: Any, images: dict[str, str], make_document: MakeDocument
) -> None:
    document = make_document(version)
    for each in ("images", "docker_images"):
        document.pop(each, None)
    document[key] = value

    egg = read_document(document)

    assert egg.docker_images == images
    assert json.loads(write_egg(stored_and_loaded(egg))) == document


def test_older_v3_file_calls_its_icon_image(make_document: MakeDocument) -> None:
    document = make_document("PLCN_v3")
    document["image"] = document.pop("icon")

    egg = read_document(document)

    assert egg.icon == "data:image/png;base64,AA=="
    assert json.loads(write_egg(egg)) == document
    assert "icon" not in egg.extra


def test_v3_file_with_a_single_startup_keeps_it(make_document: MakeDocument) -> None:
    document = make_document("PLCN_v3")
    del document["startup_commands"]
    document["startup"] = "./run"

    egg = read_document(document)

    assert egg.startup_commands == {"Default": "./run"}
    assert json.loads(write_egg(egg)) == document


def test_edited_value_wins_over_the_spelling_of_the_file(make_document: MakeDocument) -> None:
    document = make_document("PTDL_v1")
    document["image"] = "java:8"
    del document["images"]
    document["variables"][0]["user_viewable"] = 1
    egg = read_document(document)

    variable = replace(egg.variables[0], user_viewable=False)
    edited = replace(egg, docker_images={"a": "a", "b": "b"}, variables=(variable,))
    written = json.loads(write_egg(edited))

    assert (written["images"], "image" in written) == (["a", "b"], False)
    assert written["variables"][0]["user_viewable"] is False


def test_export_date_is_replaced_only_when_asked(make_document: MakeDocument) -> None:
    egg = read_document(make_document("PTDL_v2"))

    kept = json.loads(write_egg(egg))["exported_at"]
    fresh = json.loads(write_egg(egg, exported_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))["exported_at"]

    assert (kept, fresh) == ("2024-05-07T12:55:55+00:00", "2026-01-02T03:04:05+00:00")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8")),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


def clean(value: Any) -> bool:
    return "\\u0000" not in json.dumps(value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.fuzz
@given(
    version=st.sampled_from(VERSIONS),
    syntax=st.sampled_from(SYNTAXES),
    texts=st.lists(TEXTS, min_size=5, max_size=5),
    images=st.dictionaries(TEXTS, TEXTS.filter(bool), min_size=1, max_size=4),
    extra=st.dictionaries(TEXTS.map(lambda key: f"x-{key}"), JSON_VALUES.filter(clean), max_size=3),
    flag=st.sampled_from([True, False, 0, 1, "0", "1"]),
)
def test_any_texts_come_back(
    version: str,
    syntax: Syntax,
    texts: list[str],
    images: dict[str, str],
    extra: dict[str, Any],
    flag: Any,
    make_document: MakeDocument,
) -> None:
    document = make_document(version, syntax) | extra
    document["images" if version == "PTDL_v1" else "docker_images"] = (
        list(images.values()) if version == "PTDL_v1" else images
    )
    document["description"], document["scripts"]["installation"]["script"] = texts[:2]
    document["variables"][0] |= {"default_value": texts[2], "user_viewable": flag, "x": extra}
    document["file_denylist"] = texts[3:]

    data = json.dumps(document).encode()
    egg = read_egg(data)
    written = write_egg(stored_and_loaded(egg), syntax=syntax)

    if syntax == "json":
        assert same_types(json.loads(written), document)
    assert read_egg(written) == stored_and_loaded(read_egg(written))
    assert read_egg(written).variables[0].default_value == texts[2]
    assert dict(read_egg(written).docker_images) == dict(egg.docker_images)


@settings(max_examples=300, deadline=None)
@pytest.mark.fuzz
@given(value=st.dictionaries(TEXTS, JSON_VALUES.filter(clean), max_size=4))
def test_yaml_we_write_is_read_as_the_same_value(value: dict[str, Any]) -> None:
    assert same_types(parse_yaml(yaml_bytes(value).decode()), value)


@pytest.mark.parametrize("text", ["0o7", "1e5", "1.10", "0755", "yes", "~x", "<<", "=", "2024-01-01", "0x1F", "1_000"])
def test_plain_yaml_scalars_that_are_no_json_stay_texts(text: str) -> None:
    assert parse_yaml(f"key: {text}") == {"key": text}


def test_plain_yaml_scalars_that_json_knows_are_read_as_such() -> None:
    text = "[true, false, null, ~, 12, -3, 1.5, '12', \"true\", !!str 5]"

    assert parse_yaml(text) == [True, False, None, None, 12, -3, 1.5, "12", "true", "5"]
