"""`/api/v1/admin/nests/{id}/eggs` and `/api/v1/admin/eggs/{id}`."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from muntin.testing.callers import Caller
from muntin_gameservers.models import EggRow, ServerRow
from muntin_gameservers.nests.stored import definition_of

NEW = {
    "name": "Cube",
    "author": "cube@example.test",
    "docker_images": {"Two": "example.test/cube:2", "One": "example.test/cube:1"},
    "startup": "./cube",
    "startup_done": ["ready", "done"],
    "config_files": {"cube.cfg": {"parser": "properties", "find": {"port": "{{server.build.default.port}}"}}},
    "install_script": {"script": "true", "container": "example.test/sh", "entrypoint": "sh"},
    "variables": [{"name": "Size", "env_variable": "SIZE", "default_value": "3", "rules": "required|in:3,4"}],
}


async def test_egg_is_created_with_what_was_given(admin: Caller, made: Any) -> None:
    nest = await made.nest()

    answer = await admin.post(f"/api/v1/admin/nests/{nest.id}/eggs", NEW)

    assert answer.status == 201
    assert list(answer.data["docker_images"]) == ["Two", "One"]
    hidden = {"id", "created_at", "updated_at"}
    variable = {key: value for key, value in answer.data["variables"][0].items() if key != "id"}
    assert {key: value for key, value in answer.data.items() if key not in hidden} == {
        **{key: value for key, value in NEW.items() if key != "variables"},
        "nest_id": str(nest.id),
        "description": None,
        "startup_commands": {"Default": "./cube"},
        "stop_command": "stop",
        "log_config": {},
        "features": [],
        "file_denylist": [],
        "tags": [],
        "variables": answer.data["variables"],
        "version": "PTDL_v2",
        "warnings": [],
        "servers_count": 0,
    }
    assert variable == {
        "name": "Size",
        "description": "",
        "env_variable": "SIZE",
        "default_value": "3",
        "user_viewable": False,
        "user_editable": False,
        "rules": "required|in:3,4",
        "sort": 1,
    }
    assert (await admin.get(f"/api/v1/admin/eggs/{answer.data['id']}")).data == answer.data


async def test_eggs_of_a_nest_are_listed_with_the_number_of_their_servers(
    admin: Caller, user: Caller, made: Any
) -> None:
    nest = await made.nest()
    second, first = await made.egg(nest, "listed b"), await made.egg(nest, "listed a")
    await made.egg(name="listed c")
    await made.server(user.account_id, egg=first)

    answer = await admin.get(f"/api/v1/admin/nests/{nest.id}/eggs?search=listed")

    assert [(one["id"], one["servers_count"]) for one in answer.data] == [(str(first.id), 1), (str(second.id), 0)]
    assert answer.body["meta"]["total"] == 2


async def test_change_keeps_everything_else_the_file_held(admin: Caller, made: Any) -> None:
    egg = await made.egg()
    before = (await admin.get(f"/api/v1/admin/eggs/{egg.id}/export")).body

    answer = await admin.put(
        f"/api/v1/admin/eggs/{egg.id}", {"stop_command": "^C", "startup": "./echo", "startup_done": ["up"]}
    )

    after = (await admin.get(f"/api/v1/admin/eggs/{egg.id}/export")).body
    assert (answer.status, answer.data["stop_command"], answer.data["startup"]) == (200, "^C", "./echo")
    assert after == {
        **before,
        "startup": "./echo",
        "config": {
            **before["config"],
            "stop": "^C",
            "startup": json.dumps({"done": "up", "strip_ansi": True}, indent=4),
        },
    }
    assert after["x_unknown"] == {"kept": [1, 2.5, None]}


async def test_sending_back_what_was_shown_changes_nothing(admin: Caller, made: Any) -> None:
    egg = await made.egg(description=None)
    shown = (await admin.get(f"/api/v1/admin/eggs/{egg.id}")).data
    fields = ("name", "description", "author", "docker_images", "startup", "stop_command", "startup_done",
              "config_files", "log_config", "install_script", "features", "file_denylist", "variables")  # fmt: skip

    answer = await admin.put(f"/api/v1/admin/eggs/{egg.id}", {name: shown[name] for name in fields})

    assert answer.status == 200
    assert (await EggRow.get(id=egg.id)).definition == egg.definition


async def test_order_of_images_is_changed(admin: Caller, made: Any) -> None:
    egg = await made.egg()

    answer = await admin.put(
        f"/api/v1/admin/eggs/{egg.id}",
        {"docker_images": {"One": "example.test/echo:1", "Two": "example.test/echo:2"}},
    )

    assert list(answer.data["docker_images"]) == ["One", "Two"]
    assert definition_of(await EggRow.get(id=egg.id)).docker_image == "example.test/echo:1"


async def test_renamed_variable_keeps_what_nobody_edits(admin: Caller, made: Any) -> None:
    variables = [{**made.document()["variables"][0], "x_note": "kept"}]
    egg = await made.egg(variables=variables)
    shown = (await admin.get(f"/api/v1/admin/eggs/{egg.id}")).data["variables"][0]

    answer = await admin.put(f"/api/v1/admin/eggs/{egg.id}", {"variables": [{**shown, "env_variable": "PLAYERS"}]})

    stored = definition_of(await EggRow.get(id=egg.id)).variables[0]
    assert answer.data["variables"][0]["env_variable"] == "PLAYERS"
    assert (stored.env_variable, stored.extra, stored.field_type, stored.sort) == (
        "PLAYERS",
        {"x_note": "kept"},
        "text",
        None,
    )


async def test_servers_keep_their_environment_when_their_egg_changes(admin: Caller, user: Caller, made: Any) -> None:
    egg = await made.egg()
    server = await made.server(user.account_id, egg=egg)

    await admin.put(f"/api/v1/admin/eggs/{egg.id}", {"variables": [], "startup": "./other"})

    now = await ServerRow.get(id=server.id)
    assert (now.environment, now.startup) == (server.environment, server.startup)


async def test_name_taken_in_the_nest_is_refused(admin: Caller, made: Any) -> None:
    nest = await made.nest()
    egg, other = await made.egg(nest), await made.egg(nest)

    created = await admin.post(f"/api/v1/admin/nests/{nest.id}/eggs", {**NEW, "name": egg.name})
    renamed = await admin.put(f"/api/v1/admin/eggs/{other.id}", {"name": egg.name})

    assert [(one.status, one.code) for one in (created, renamed)] == [(409, "conflict")] * 2


async def test_wrong_fields_are_named_and_nothing_is_stored(admin: Caller, made: Any) -> None:
    nest = await made.nest()
    wrong = {
        **NEW,
        "author": "nobody",
        "docker_images": {},
        "config_files": {"a": "b"},
        "log_config": {"a": "\0"},
        "variables": [{"name": "A", "env_variable": "a b"}],
        "servers_count": 3,
    }
    twice = [{"name": "A", "env_variable": "A"}, {"name": "B", "env_variable": "a"}]

    answer = await admin.post(f"/api/v1/admin/nests/{nest.id}/eggs", wrong)
    doubled = await admin.post(f"/api/v1/admin/nests/{nest.id}/eggs", {**NEW, "variables": twice})

    assert (answer.status, answer.code) == (422, "validation_error")
    assert sorted(answer.body["error"]["details"]) == [
        "author", "config_files", "docker_images", "log_config", "servers_count", "variables.0.env_variable"
    ]  # fmt: skip
    assert doubled.body["error"]["details"] == {"variables": ["Two variables are called a."]}
    assert await EggRow.filter(nest_id=nest.id).count() == 0


async def test_egg_with_servers_is_not_deleted(admin: Caller, user: Caller, made: Any) -> None:
    used, free = await made.egg(), await made.egg()
    await made.server(user.account_id, egg=used)

    refused = await admin.delete(f"/api/v1/admin/eggs/{used.id}")
    deleted = await admin.delete(f"/api/v1/admin/eggs/{free.id}")

    assert (refused.status, refused.code) == (409, "egg_in_use")
    assert deleted.status == 204
    assert await EggRow.filter(id__in=[used.id, free.id]).values_list("id", flat=True) == [used.id]


async def test_unknown_egg_or_nest_is_not_found(admin: Caller) -> None:
    egg, nest = f"/api/v1/admin/eggs/{uuid4()}", f"/api/v1/admin/nests/{uuid4()}/eggs"

    answers = [
        await admin.get(egg),
        await admin.put(egg, {"name": "x"}),
        await admin.delete(egg),
        await admin.get(f"{egg}/export"),
        await admin.get(nest),
        await admin.post(nest, NEW),
    ]

    assert [(one.status, one.code) for one in answers] == [(404, "not_found")] * 6


async def test_stale_if_match_changes_nothing(admin: Caller, made: Any) -> None:
    egg = await made.egg()

    answer = await admin.put(f"/api/v1/admin/eggs/{egg.id}", {"name": "other"}, If_Match='W/"stale"')

    assert (answer.status, answer.code) == (412, "precondition_failed")
    assert (await EggRow.get(id=egg.id)).name == egg.name
