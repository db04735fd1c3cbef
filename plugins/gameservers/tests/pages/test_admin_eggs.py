"""Administrators' pages of nests and eggs."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from muntin_gameservers.models import EggRow, NestRow
from muntin_gameservers.nests.shown import shown_one, variable_id
from muntin_gameservers.pages.egg_form import as_text

from .conftest import Made, Shown, Visitor, document


async def test_a_nest_is_made_renamed_and_deleted(made: Made, boss: Visitor) -> None:
    taken = await made.nest()

    refused = await boss.post("/admin/eggs/nests/new", {"name": taken.name, "description": "typed"})
    await boss.post("/admin/eggs/nests/new", {"name": "Racing", "description": ""})
    row = await NestRow.get(name="Racing")
    await boss.post(f"/admin/eggs/nests/{row.id}", {"name": "Racing games", "description": "Fast"})
    renamed = await NestRow.get(id=row.id)
    await boss.post(f"/admin/eggs/nests/{row.id}/delete")

    assert refused.status == 422 and "Another nest has this name" in refused.text and "typed" in refused.text
    assert (renamed.name, renamed.description) == ("Racing games", "Fast")
    assert not await NestRow.exists(id=row.id)


async def test_a_nest_with_eggs_stays(made: Made, boss: Visitor) -> None:
    nest = await made.nest()
    await made.egg(nest)

    shown = await boss.follow(await boss.post(f"/admin/eggs/nests/{nest.id}/delete"))

    assert "There are eggs in this nest" in shown.text


async def test_an_egg_is_imported_as_text(made: Made, boss: Visitor) -> None:
    nest = await made.nest()

    shown = await boss.post("/admin/eggs/import", {"nest_id": nest.id, "text": json.dumps(document("Pasted"))})

    row = await EggRow.get(name="Pasted")
    assert (shown.status, shown.path, row.nest_id) == (303, f"/admin/eggs/{row.id}", nest.id)
    assert "The egg Pasted is imported" in (await boss.follow(shown)).text


async def test_what_is_no_egg_stays_typed_and_says_why(made: Made, boss: Visitor) -> None:
    nest = await made.nest()

    broken = await boss.post("/admin/eggs/import", {"nest_id": nest.id, "text": '{"meta": {"version": "PTDL_v2"}}'})
    empty = await boss.post("/admin/eggs/import", {"nest_id": nest.id, "text": ""})

    assert (broken.status, empty.status) == (422, 422)
    assert '{"meta": {"version": "PTDL_v2"}}' in broken.text and "m-notice-danger" in broken.text
    assert "m-field-error" in empty.text


async def upload(visitor: Visitor, fields: dict[str, str], file: bytes, query: str = "", proof: str = "") -> Shown:
    """A file as htmx sends it."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    ]
    parts.append(b'--b\r\nContent-Disposition: form-data; name="file"; filename="egg.json"\r\n\r\n' + file + b"\r\n")
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "X-CSRF-Token": proof or await visitor.proof(),
        "HX-Request": "true",
    }
    return await visitor.ask("POST", f"/admin/eggs/import/file{query}", b"".join(parts) + b"--b--\r\n", headers)


async def test_an_egg_is_imported_from_a_file(made: Made, boss: Visitor) -> None:
    nest = await made.nest()

    done = await upload(boss, {"nest_id": str(nest.id)}, json.dumps(document("Uploaded")).encode())
    broken = await upload(boss, {"nest_id": str(nest.id)}, b"not an egg")
    unproved = await upload(boss, {"nest_id": str(nest.id)}, b"{}", proof="wrong")

    row = await EggRow.get(name="Uploaded")
    assert (done.status, done.path) == (200, f"/admin/eggs/{row.id}")
    assert broken.status == 422 and "m-notice-danger" in broken.text
    assert unproved.status == 403


async def test_a_file_too_large_is_refused_within_the_form(made: Made, boss: Visitor) -> None:
    nest = await made.nest()

    shown = await upload(boss, {"nest_id": str(nest.id)}, b" " * (1024 * 1024 + 1))

    assert shown.status == 422 and "m-notice-danger" in shown.text


async def test_an_egg_is_replaced_by_a_file(made: Made, boss: Visitor) -> None:
    egg = await made.egg()
    page = await boss.get(f"/admin/eggs/import?replace={egg.id}")
    fields = {"nest_id": str(egg.nest_id), "overwrite_egg_id": str(egg.id)}

    done = await upload(boss, fields, json.dumps(document("Second edition")).encode(), f"?replace={egg.id}")

    assert egg.name in page.text and f'name="overwrite_egg_id" value="{egg.id}"' in page.text
    assert done.path == f"/admin/eggs/{egg.id}"
    assert (await EggRow.get(id=egg.id)).name == "Second edition"


async def test_the_form_as_it_was_shown_changes_nothing(made: Made, boss: Visitor) -> None:
    egg = await made.egg()
    shown = as_text(await shown_one(egg))

    saved = await boss.post(
        f"/admin/eggs/{egg.id}/edit", {name: text.replace("\n", "\r\n") for name, text in shown.items()}
    )

    assert saved.status == 303
    assert (await EggRow.get(id=egg.id)).definition == egg.definition


async def test_an_egg_is_changed_and_keeps_what_the_form_does_not_show(made: Made, boss: Visitor) -> None:
    egg = await made.egg()
    fields = as_text(await shown_one(egg)) | {
        "startup": "./echo --new",
        "docker_images": "A = B = example.test/a:1\r\nexample.test/b:2",
        "script": "#!/bin/sh\r\necho hello\r\n",
        "config_files": '{"a.cfg": {"parser": "file", "find": {"x": "y"}}}',
        "startup_done": "one\r\ntwo",
    }

    saved = await boss.post(f"/admin/eggs/{egg.id}/edit", fields)

    after = await shown_one(await EggRow.get(id=egg.id))
    assert (saved.status, after.startup) == (303, "./echo --new")
    assert after.docker_images == {"A = B": "example.test/a:1", "example.test/b:2": "example.test/b:2"}
    assert after.install_script.script == "#!/bin/sh\necho hello\n"
    assert after.startup_done == ("one", "two")
    assert (await EggRow.get(id=egg.id)).definition["extra"] == egg.definition["extra"]


@pytest.mark.parametrize(
    ("name", "text"), [("config_files", "{broken"), ("config_files", "[1]"), ("docker_images", ""), ("name", ""),
                       ("author", "nobody")]
)  # fmt: skip
async def test_a_wrong_field_of_an_egg_is_named(made: Made, boss: Visitor, name: str, text: str) -> None:
    egg = await made.egg()
    fields = as_text(await shown_one(egg)) | {name: text, "startup": "kept while wrong"}

    shown = await boss.post(f"/admin/eggs/{egg.id}/edit", fields)

    assert shown.status == 422
    assert "m-field-error" in shown.text and "kept while wrong" in shown.text


async def test_variables_are_added_changed_and_removed(made: Made, boss: Visitor) -> None:
    egg = await made.egg()
    base = f"/admin/eggs/{egg.id}/variables"
    fields = {"name": "Colour", "env_variable": "COLOUR", "description": "", "default_value": "red",
              "rules": "required|in:red,blue", "user_viewable": "true", "sort": ""}  # fmt: skip

    await boss.post(f"{base}/new", fields)
    taken = await boss.post(f"{base}/new", fields)
    await boss.post(f"{base}/{variable_id(egg.id, 'SLOTS')}", fields | {"name": "Seats", "env_variable": "SEATS"})
    await boss.post(f"{base}/{variable_id(egg.id, 'MAP')}/delete")

    after = await shown_one(await EggRow.get(id=egg.id))
    assert {one.env_variable for one in after.variables} == {"SEATS", "NIGHT", "LICENCE", "COLOUR"}
    colour = next(one for one in after.variables if one.env_variable == "COLOUR")
    assert (colour.default_value, colour.user_viewable, colour.user_editable) == ("red", True, False)
    assert taken.status == 422 and 'value="Colour"' in taken.text


@pytest.mark.parametrize("version", ["PTDL_v1", "PTDL_v2", "PLCN_v1", "PLCN_v2", "PLCN_v3"])
async def test_an_egg_is_given_out_in_every_format(made: Made, boss: Visitor, version: str) -> None:
    egg = await made.egg()

    shown = await boss.get(f"/admin/eggs/{egg.id}/export?format={version}")

    assert shown.status == 200
    assert json.loads(shown.text)["meta"]["version"] == version
    assert shown.headers["Content-Disposition"].startswith("attachment; filename=")


async def test_an_egg_is_deleted_by_name_unless_servers_run_it(made: Made, boss: Visitor, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    used, free = await EggRow.get(id=server.egg_id), await made.egg()

    refused = await boss.follow(await boss.post(f"/admin/eggs/{used.id}/delete", {"confirm": used.name}))
    unnamed = await boss.post(f"/admin/eggs/{free.id}/delete", {"confirm": ""})
    there = await EggRow.exists(id=free.id)
    await boss.post(f"/admin/eggs/{free.id}/delete", {"confirm": free.name})

    assert "Servers use this egg" in refused.text
    assert (unnamed.path, there) == (f"/admin/eggs/{free.id}", True)
    assert not await EggRow.exists(id=free.id)


NEW_EGG = {
    "name": "Made here",
    "author": "",
    "description": "",
    "docker_images": "Debian 12 = example.test/debian:12\r\nexample.test/alpine:3",
    "startup": "./game --port {{SERVER_PORT}}",
    "stop_command": "quit",
    "startup_done": "is open",
    "script": "#!/bin/sh\r\ntrue\r\n",
    "container": "example.test/sh",
    "entrypoint": "sh",
    "config_files": "{}",
    "features": "",
    "file_denylist": "",
}


async def test_an_egg_is_made_from_nothing_and_gets_its_variables(made: Made, boss: Visitor) -> None:
    nest = await made.nest()
    variable = {"name": "Slots", "env_variable": "SLOTS", "default_value": "8", "rules": "required|integer"}

    done = await boss.post("/admin/eggs/new", {**NEW_EGG, "nest_id": str(nest.id)})
    added = await boss.post(f"{done.path}/variables/new", variable)

    egg = await shown_one(await EggRow.get(name="Made here"))
    assert (done.path, added.path) == (f"/admin/eggs/{egg.id}",) * 2
    assert (egg.nest_id, egg.docker_images, egg.startup_done, egg.stop_command) == (
        nest.id,
        {"Debian 12": "example.test/debian:12", "example.test/alpine:3": "example.test/alpine:3"},
        ("is open",),
        "quit",
    )
    assert egg.install_script.script == "#!/bin/sh\ntrue\n"
    assert [one.env_variable for one in egg.variables] == ["SLOTS"]


async def test_what_is_wrong_with_a_new_egg_is_said_at_its_field(made: Made, boss: Visitor) -> None:
    nest = await made.nest()
    wrong = {**NEW_EGG, "nest_id": str(nest.id), "docker_images": "", "config_files": "{"}

    broken = await boss.post("/admin/eggs/new", wrong)
    without_images = await boss.post("/admin/eggs/new", {**wrong, "config_files": "{}"})
    nowhere = await boss.post("/admin/eggs/new", {**NEW_EGG, "nest_id": str(uuid4())})

    assert {one.status for one in (broken, without_images, nowhere)} == {422}
    assert "This is not JSON" in broken.text and "./game --port" in broken.text
    assert 'id="f-docker_images-error"' in without_images.text
    assert "There is no such nest." in nowhere.text and 'id="f-nest_id-error"' in nowhere.text
    assert not await EggRow.exists(nest_id=nest.id)


async def test_nobody_but_administrators_makes_an_egg(moderator: Visitor, owner: Visitor) -> None:
    assert (await moderator.get("/admin/eggs/new")).status == 403
    assert (await owner.get("/admin/eggs/new")).status == 403


async def test_a_file_is_imported_where_scripts_are_off(made: Made, boss: Visitor) -> None:
    nest = await made.nest()
    file = {"file": ("egg.json", json.dumps(document("Without scripts")).encode())}

    done = await boss.upload("/admin/eggs/import/file", {"nest_id": str(nest.id)}, file)
    unproved = await boss.upload("/admin/eggs/import/file", {"nest_id": str(nest.id)}, file, proof="wrong")

    row = await EggRow.get(name="Without scripts")
    assert (done.status, done.path) == (303, f"/admin/eggs/{row.id}")
    assert unproved.status == 403
