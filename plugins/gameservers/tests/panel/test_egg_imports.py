"""`/api/v1/admin/eggs/import` and `.../export`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from muntin.events.models import OutboxRow
from muntin.testing.callers import Answer, Caller
from muntin_gameservers.eggs import catalogue
from muntin_gameservers.models import EggRow

PATH = "/api/v1/admin/eggs/import"
FOLDER = Path(os.environ.get("MUNTIN_EGGS") or Path(catalogue.__file__).parent)  # our own eggs, or those given
FILES = sorted(each for each in FOLDER.iterdir() if each.suffix in (".json", ".yaml", ".yml"))
GIVEN: list[Any] = [pytest.param(each, id=each.name) for each in FILES]


def given(path: Path) -> bytes:
    """The bytes of an egg file."""
    return path.read_bytes()


async def upload(caller: Caller, fields: dict[str, str], file: bytes | None, name: str = "egg.json") -> Answer:
    """Send a form as browsers do."""
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    if file is not None:
        head = f'--frontier\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + file + b"\r\n")
    body = b"".join(parts) + b"--frontier--\r\n"
    return await caller.ask("POST", PATH, body, Content_Type="multipart/form-data; boundary=frontier")


async def test_egg_in_an_object_is_imported_and_told(admin: Caller, made: Any) -> None:
    nest = await made.nest()

    answer = await admin.post(PATH, {"nest_id": str(nest.id), "egg": made.document("Echo")})

    assert (answer.status, answer.data["name"], answer.data["nest_id"]) == (201, "Echo", str(nest.id))
    assert answer.data["docker_images"] == {"Two": "example.test/echo:2", "One": "example.test/echo:1"}
    assert answer.data["startup_done"] == ["listening"]
    event = await OutboxRow.get(type="egg.imported", resource_id=answer.data["id"])
    assert event.payload == {"egg_id": answer.data["id"], "name": "Echo"}


async def test_file_of_a_form_is_imported(admin: Caller, made: Any) -> None:
    nest = await made.nest()
    file = yaml.safe_dump(made.document("Form", startup="./form"), sort_keys=False).encode()

    answer = await upload(admin, {"nest_id": str(nest.id)}, file, "form.yaml")

    assert (answer.status, answer.data["name"], answer.data["startup"]) == (201, "Form", "./form")


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", "text/plain"])
async def test_body_that_is_the_file_is_imported(admin: Caller, made: Any, content_type: str) -> None:
    nest = await made.nest()
    file = json.dumps(made.document("Raw")).encode()

    answer = await admin.ask("POST", f"{PATH}?nest_id={nest.id}", file, Content_Type=content_type)

    assert (answer.status, answer.data["name"]) == (201, "Raw")


async def test_file_replaces_an_egg_and_servers_keep_theirs(admin: Caller, user: Caller, made: Any) -> None:
    egg = await made.egg(name="Old")
    await made.server(user.account_id, egg=egg)
    body = {"nest_id": str(egg.nest_id), "egg": made.document("New"), "overwrite_egg_id": str(egg.id)}

    answer = await admin.post(PATH, body)

    assert (answer.status, answer.data["id"], answer.data["name"]) == (201, str(egg.id), "New")
    assert answer.data["servers_count"] == 1
    assert await EggRow.filter(nest_id=egg.nest_id).count() == 1


async def test_warnings_tell_what_cannot_be_checked(admin: Caller, made: Any) -> None:
    nest = await made.nest()
    variable = {**made.document()["variables"][0], "rules": "required|exotic:3"}

    answer = await admin.post(PATH, {"nest_id": str(nest.id), "egg": made.document(variables=[variable])})

    assert answer.data["warnings"] == ["variables.0.rules: The rule exotic:3 is kept but not checked."]


async def test_wrong_fields_of_the_file_are_named(admin: Caller, made: Any) -> None:
    nest = await made.nest()
    egg = made.document(name="", docker_images={}, variables=[{"name": "A", "env_variable": "A-B"}])

    answer = await admin.post(PATH, {"nest_id": str(nest.id), "egg": egg})

    assert (answer.status, answer.code) == (422, "egg_invalid")
    assert sorted(answer.body["error"]["details"]) == ["docker_images", "name", "variables.0.env_variable"]
    assert await EggRow.filter(nest_id=nest.id).count() == 0


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 9)) for name in range(ord("b"), ord("k"))
)


@pytest.mark.parametrize(
    ("file", "field"),
    [
        (b"just words", "egg"),
        (b'{"meta": {"version": "PTDL_v9"}}', "meta.version"),
        (b'{"name": "x"}', "meta.version"),
        (b"\xff\xfe\x00", "egg"),
        (BOMB, "egg"),
        (b"", "egg"),
    ],
)
async def test_file_that_is_no_egg_is_refused(admin: Caller, made: Any, file: bytes, field: str) -> None:
    nest = await made.nest()

    answer = await upload(admin, {"nest_id": str(nest.id)}, file)

    assert (answer.status, answer.code, list(answer.body["error"]["details"])) == (422, "egg_invalid", [field])
    assert await EggRow.filter(nest_id=nest.id).count() == 0


async def test_file_above_a_mebibyte_is_too_large(admin: Caller, made: Any) -> None:
    nest = await made.nest()
    just_above = b"#" * (1024 * 1024 + 1)

    answers = [
        await upload(admin, {"nest_id": str(nest.id)}, just_above, "big.yaml"),
        await admin.ask("POST", f"{PATH}?nest_id={nest.id}", just_above, Content_Type="application/yaml"),
        await admin.ask("POST", f"{PATH}?nest_id={nest.id}", just_above * 50, Content_Type="application/yaml"),
    ]

    assert [(one.status, one.code) for one in answers] == [(413, "payload_too_large")] * 3


async def test_what_is_missing_is_named(admin: Caller, made: Any) -> None:
    nest = await made.nest()
    raw = json.dumps(made.document()).encode()

    answers = [
        await admin.post(PATH, {}),
        await admin.post(PATH, {"nest_id": str(nest.id), "egg": {}, "price": 1}),
        await admin.ask("POST", PATH, raw),
        await upload(admin, {"nest_id": str(nest.id)}, None),
        await upload(admin, {}, raw),
        await admin.post(PATH, {"nest_id": str(uuid4()), "egg": made.document()}),
        await admin.post(
            PATH, {"nest_id": str(nest.id), "egg": made.document(), "overwrite_egg_id": str((await made.egg()).id)}
        ),
    ]

    assert [(one.status, one.code, sorted(one.body["error"]["details"])) for one in answers] == [
        (422, "validation_error", ["egg", "nest_id"]),
        (422, "validation_error", ["price"]),
        (422, "validation_error", ["nest_id"]),
        (422, "validation_error", ["file"]),
        (422, "validation_error", ["nest_id"]),
        (422, "validation_error", ["nest_id"]),
        (422, "validation_error", ["overwrite_egg_id"]),
    ]


async def test_request_that_cannot_be_read_is_refused(admin: Caller, made: Any) -> None:
    nest = await made.nest()

    answers = [
        await admin.ask("POST", PATH, b"{"),
        await admin.ask("POST", PATH, b"[]"),
        await admin.post(f"{PATH}?nest_id=nonsense", made.document()),
        await admin.ask("POST", PATH, b"--x", Content_Type="multipart/form-data"),
        await admin.ask("POST", f"{PATH}?nest_id={nest.id}", b"GIF89a", Content_Type="image/gif"),
    ]

    assert [(one.status, one.code) for one in answers] == [
        *[(400, "bad_request")] * 4,
        (415, "unsupported_media_type"),
    ]


async def test_name_taken_in_the_nest_is_refused(admin: Caller, made: Any) -> None:
    egg = await made.egg()

    answer = await admin.post(PATH, {"nest_id": str(egg.nest_id), "egg": made.document(egg.name)})

    assert (answer.status, answer.code) == (409, "conflict")


async def test_others_are_refused_before_their_file_is_read(user: Caller, stranger: Caller) -> None:
    assert [(one.status, one.code) for one in [await user.post(PATH), await stranger.post(PATH)]] == [
        (403, "forbidden"),
        (401, "unauthorized"),
    ]


async def test_export_is_a_bare_file(admin: Caller, made: Any) -> None:
    egg = await made.egg(name="Écho / Two")

    answer = await admin.get(f"/api/v1/admin/eggs/{egg.id}/export")

    assert (answer.status, answer.body) == (200, made.document("Écho / Two"))
    assert answer.headers["content-disposition"] == 'attachment; filename="egg-cho-two.json"'
    assert answer.headers["content-type"] == "application/json"


async def test_export_in_another_format_and_as_yaml(admin: Caller, made: Any) -> None:
    egg = await made.egg()

    answer = await admin.get(f"/api/v1/admin/eggs/{egg.id}/export?format=PLCN_v3&syntax=yaml")
    refused = await admin.get(f"/api/v1/admin/eggs/{egg.id}/export?format=PTDL_v9")

    assert answer.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(answer.body)["meta"]["version"] == "PLCN_v3"
    assert (refused.status, refused.code) == (400, "bad_request")


@pytest.mark.parametrize("path", GIVEN)
async def test_given_egg_comes_back_without_a_lost_field(admin: Caller, made: Any, path: Path) -> None:
    nest, data, is_json = await made.nest(), given(path), path.suffix == ".json"

    imported = await upload(admin, {"nest_id": str(nest.id)}, data, path.name)
    syntax = "json" if is_json else "yaml"
    exported = await admin.get(f"/api/v1/admin/eggs/{imported.data['id']}/export?format=own&syntax={syntax}")

    assert imported.status == 201
    assert exported.body == json.loads(data) if is_json else yaml.safe_load(exported.body) == yaml.safe_load(data)
