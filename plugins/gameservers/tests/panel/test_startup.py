"""`/api/v1/servers/{id}/startup`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from muntin.audit.models import AuditRow
from muntin.events.models import OutboxRow
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import AllocationRow, ServerRow, SubuserRow


def path_of(server: Any) -> str:
    """The server's startup."""
    return f"/api/v1/servers/{server.id}/startup"


async def test_hidden_values_are_not_shown(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, environment={"SLOTS": "12", "LICENCE": "s3cret"})
    port = (await AllocationRow.get(id=server.allocation_id)).port

    answer = await user.get(path_of(server))

    assert answer.status == 200
    assert {**answer.data, "variables": []} == {
        "startup": "./echo -p {{SERVER_PORT}} -s {{SLOTS}} -k {{LICENCE}}",
        "rendered": f"./echo -p {port} -s 12 -k [hidden]",
        "image": "example.test/echo:2",
        "images": {"Two": "example.test/echo:2", "One": "example.test/echo:1"},
        "variables": [],
    }
    assert [{**one, "id": ""} for one in answer.data["variables"]] == [
        {
            "id": "",
            "name": "Slots",
            "description": "Players at once.",
            "env_variable": "SLOTS",
            "default_value": "8",
            "user_viewable": True,
            "user_editable": True,
            "rules": "required|integer|between:1,64",
            "sort": 1,
            "value": "12",
        },
        {
            "id": "",
            "name": "Map",
            "description": "",
            "env_variable": "MAP",
            "default_value": "dm1",
            "user_viewable": True,
            "user_editable": False,
            "rules": "required|string",
            "sort": 2,
            "value": "dm1",
        },
    ]


async def test_variable_and_image_are_set_and_the_node_is_told(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id)

    answer = await user.put(path_of(server), {"environment": {"SLOTS": 20}, "image": "example.test/echo:1"})

    now = await ServerRow.get(id=server.id)
    assert (answer.status, answer.data["variables"][0]["value"], answer.data["image"]) == (
        200,
        "20",
        "example.test/echo:1",
    )
    assert (now.environment, now.image) == ({**server.environment, "SLOTS": "20"}, "example.test/echo:1")
    updated = await OutboxRow.get(type="server.updated", resource_id=str(server.id))
    recorded = await AuditRow.get(event="server.startup_updated", subject_id=str(server.id))
    assert updated.payload["changed"] == recorded.properties["changed"] == ["environment.SLOTS", "image"]


async def test_variables_set_at_once_do_not_undo_each_other(user: Caller, made: Any) -> None:
    variables = [{**made.document()["variables"][0], "name": name, "env_variable": name} for name in ("A", "B", "C")]
    egg = await made.egg(variables=variables)
    server = await made.server(user.account_id, egg=egg, environment={})

    answers = await asyncio.gather(*(user.put(path_of(server), {"environment": {name: "7"}}) for name in "ABC"))

    assert [one.status for one in answers] == [200, 200, 200]
    assert (await ServerRow.get(id=server.id)).environment == {"A": "7", "B": "7", "C": "7"}


@pytest.mark.parametrize("name", ["MAP", "LICENCE"])
async def test_variable_that_is_not_for_users_is_not_editable(user: Caller, made: Any, name: str) -> None:
    server = await made.server(user.account_id)

    answer = await user.put(path_of(server), {"environment": {"SLOTS": "9", name: "x"}})

    assert (answer.status, answer.code) == (403, "variable_not_editable")
    assert (await ServerRow.get(id=server.id)).environment == server.environment


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"environment": {"SLOTS": "many"}}, "environment.SLOTS"),
        ({"environment": {"SLOTS": ""}}, "environment.SLOTS"),
        ({"environment": {"SLOTS": None}}, "environment.SLOTS"),
        ({"environment": {"SLOTS": "8\0"}}, "environment.SLOTS"),
        ({"environment": {"SLOTS": ["8"]}}, "environment.SLOTS"),
        ({"environment": {"SLOTS": {"a": "8"}}}, "environment.SLOTS"),
        ({"environment": {"OTHER": "1"}}, "environment.OTHER"),
        ({"image": "example.test/evil"}, "image"),
        ({"startup": "rm -rf /"}, "startup"),
        ({"environment": []}, "environment"),
    ],
)
async def test_wrong_value_is_named_and_nothing_changes(
    user: Caller, made: Any, body: dict[str, Any], field: str
) -> None:
    server = await made.server(user.account_id)

    answer = await user.put(path_of(server), body)

    now = await ServerRow.get(id=server.id)
    assert (answer.status, answer.code, list(answer.body["error"]["details"])) == (422, "validation_error", [field])
    assert (now.environment, now.image) == (server.environment, server.image)


async def test_broken_value_of_another_variable_is_not_the_users_fault(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, environment={"SLOTS": "8", "MAP": ""})

    answer = await user.put(path_of(server), {"environment": {"SLOTS": "9"}})

    assert answer.status == 200


async def test_image_that_an_administrator_set_stays(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, image="example.test/special:1")

    answer = await user.put(path_of(server), {"image": "example.test/echo:1"})
    same = await user.put(path_of(server), {"image": "example.test/special:1"})

    assert (answer.status, answer.code) == (403, "forbidden")
    assert (same.status, same.data["image"]) == (200, "example.test/special:1")


async def test_suspended_server_is_not_changed(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, is_suspended=True)

    answer = await user.put(path_of(server), {"environment": {"SLOTS": "9"}})

    assert (answer.status, answer.code) == (409, "server_suspended")


async def test_stale_if_match_changes_nothing(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id)
    seen = await user.get(path_of(server))

    first = await user.put(path_of(server), {"environment": {"SLOTS": "9"}}, If_Match=seen.headers["etag"])
    second = await user.put(path_of(server), {"environment": {"SLOTS": "10"}}, If_Match=seen.headers["etag"])

    assert [first.status, second.status, second.code] == [200, 412, "precondition_failed"]


async def test_others_see_and_do_what_was_shared_with_them(people: People, user: Caller, made: Any) -> None:
    server = await made.server(user.account_id)
    reader, stranger = await people.sign_in("startupreader"), await people.sign_in("startupstranger")
    await SubuserRow.create(server_id=server.id, account_id=reader.account_id, permissions=["startup.read"])

    answers = [
        await reader.get(path_of(server)),
        await reader.put(path_of(server), {"environment": {"SLOTS": "9"}}),
        await stranger.get(path_of(server)),
        await stranger.put(path_of(server), {"environment": {"SLOTS": "9"}}),
    ]

    assert [one.status for one in answers] == [200, 403, 404, 404]
