"""Files that are refused: each error names the field, and none costs much time or memory."""

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from muntin_gameservers.eggs.errors import EggError, EggInvalid, EggTooLarge, EggUnreadable, EggVersionUnknown
from muntin_gameservers.eggs.parsing import MAX_BYTES
from muntin_gameservers.eggs.reading import read_document, read_egg

MakeDocument = Callable[..., dict[str, Any]]
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
UNREADABLE = {
    "plain text": b"hello, this is no egg",
    "nothing": b"",
    "broken JSON": b'{"meta": ',
    "a JSON list": b"[1, 2]",
    "a YAML list": b"- a\n- b\n",
    "not UTF-8": b"\xff\xfe{\x00}\x00",
    "two documents": b"a: 1\n---\nb: 2\n",
    "NaN": b'{"a": NaN}',
    "a number of 5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a PHP object": b"a: !php/object 'O:1'\n",
    "a Python object": b"a: !!python/object/apply:os.system ['id']\n",
    "a tab for indentation": b"a:\n\t- b\n",
    "an alias": b"a: &x 1\nb: *x\n",
    "an alias bomb": BOMB.encode(),
    "20 anchors": "".join(f"k{n}: &n{n} 1\n" for n in range(20)).encode(),
    "deep JSON": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep YAML": b"a: " + b"[" * 500_000,
    "deep YAML maps": b"{a: " * 200_000,
    "block lists in block lists": b"a:\n" + b"- " * 500_000,
    "many YAML values": b"a: [" + b"1," * 500_000 + b"1]",
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_file_is_refused_quickly_and_names_the_file(data: bytes) -> None:
    started = time.process_time()

    with pytest.raises(EggUnreadable) as refusal:
        read_egg(data)

    assert list(refusal.value.fields) == ["egg"]
    assert time.process_time() - started < 10


def test_fifty_megabytes_are_refused_without_looking_at_them() -> None:
    data = b'{"a": "' + b"a" * 50_000_000 + b'"}'
    tracemalloc.start()

    with pytest.raises(EggTooLarge) as refusal:
        read_egg(data)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal.value.fields == {"egg": [f"An egg file holds at most {MAX_BYTES} bytes, this one {len(data)}."]}
    assert peak < 1_000_000


def test_alias_bomb_stays_within_bounded_memory() -> None:
    tracemalloc.start()

    with pytest.raises(EggUnreadable):
        read_egg(BOMB.encode())

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("meta", [None, {}, [], "PTDL_v2", {"version": None}, {"version": "PTDL_v3"}, {"version": 2}])
def test_unknown_version_is_refused_and_named(meta: Any, make_document: MakeDocument) -> None:
    document = make_document("PTDL_v2") | {"meta": meta}

    with pytest.raises(EggVersionUnknown) as refusal:
        read_egg(json.dumps(document).encode())

    assert list(refusal.value.fields) == ["meta.version"]


WRONG: tuple[tuple[tuple[str | int, ...], Any, str], ...] = (
    (("name",), None, "name"),
    (("name",), "  ", "name"),
    (("name",), "x" * 192, "name"),
    (("name",), ["x"], "name"),
    (("author",), {}, "author"),
    (("docker_images",), None, "docker_images"),
    (("docker_images",), {}, "docker_images"),
    (("docker_images",), {"a": []}, "docker_images.a"),
    (("startup",), None, "startup"),
    (("features",), "eula", "features"),
    (("features",), [{}], "features.0"),
    (("config",), "x", "config"),
    (("config", "files"), "{", "config.files"),
    (("config", "files"), "[1]", "config.files"),
    (("config", "files"), '{"a.cfg": 1}', "config.files.a.cfg"),
    (("config", "files"), {"a": {"parser": 1}}, "config.files.a.parser"),
    (("config", "startup"), 5, "config.startup"),
    (("scripts", "installation"), "x", "scripts.installation"),
    (("scripts", "installation", "script"), [], "scripts.installation.script"),
    (("variables",), "x", "variables"),
    (("variables", 0), "x", "variables.0"),
    (("variables", 0, "name"), None, "variables.0.name"),
    (("variables", 0, "env_variable"), "A B", "variables.0.env_variable"),
    (("variables", 0, "env_variable"), "É", "variables.0.env_variable"),
    (("variables", 0, "default_value"), [1], "variables.0.default_value"),
    (("variables", 0, "user_viewable"), "maybe", "variables.0.user_viewable"),
    (("variables", 0, "user_editable"), 2, "variables.0.user_editable"),
    (("variables", 0, "sort"), "first", "variables.0.sort"),
    (("description",), "a\0b", "description"),
    (("description",), "\ud800", "description"),
    (("x",), 2**63, "x"),
    (("x",), {"a\0": 1}, "x.'a\\x00'"),
)


@pytest.mark.parametrize(("path", "value", "field"), WRONG, ids=str)
def test_wrong_field_is_named(path: tuple[str | int, ...], value: Any, field: str, make_document: MakeDocument) -> None:
    document = make_document("PTDL_v2")
    holder: Any = document
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value

    try:
        read_egg(json.dumps(document).encode())
        found = [""]
    except EggInvalid as refusal:
        found = list(refusal.fields)

    assert field in found


def test_all_wrong_fields_are_named_at_once(make_document: MakeDocument) -> None:
    document = make_document("PLCN_v3") | {"name": "", "startup_commands": {}, "tags": 1}
    document["variables"].append(dict(document["variables"][0], name="Second", env_variable="map"))

    with pytest.raises(EggInvalid) as refusal:
        read_document(document)

    assert refusal.value.fields == {
        "name": ["Must not be empty."],
        "tags": ["Must be a list."],
        "startup_commands": ["A start command is needed."],
        "variables.1.env_variable": ["Another variable has this name."],
    }


def test_every_refusal_is_an_egg_error_and_a_value_error() -> None:
    family = (EggTooLarge, EggUnreadable, EggVersionUnknown, EggInvalid)

    assert all(issubclass(each, EggError) and issubclass(each, ValueError) for each in family)


def test_file_name_decides_for_yaml_only_where_content_is_open(make_document: MakeDocument) -> None:
    flow = b"{meta: {version: PTDL_v1}, name: Flow, startup: ./run, images: [a]}"

    egg = read_egg(flow, name="flow.yaml")

    assert (egg.name, egg.docker_images) == ("Flow", {"a": "a"})
    with pytest.raises(EggUnreadable):
        read_egg(flow, name="flow.json")


def test_byte_order_mark_is_passed_over(make_document: MakeDocument) -> None:
    data = b"\xef\xbb\xbf" + json.dumps(make_document("PTDL_v2")).encode()

    assert read_egg(data).name == "Arena"
