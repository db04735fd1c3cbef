"""What of a server's variables is shown to whom."""

from __future__ import annotations

from typing import Any

from muntin.testing.callers import Caller, People
from muntin_gameservers.models import SubuserRow


async def test_each_reader_sees_the_variables_that_are_for_them(admin: Caller, people: People, made: Any) -> None:
    owner, friend, other = [await people.sign_in(name) for name in ("varowner", "varfriend", "varother")]
    server = await made.server(owner.account_id)
    for caller, permissions in ((friend, ["startup.read"]), (other, ["control.start"])):
        await SubuserRow.create(server_id=server.id, account_id=caller.account_id, permissions=permissions)

    seen = [
        (await caller.get(f"/api/v1/servers/{server.id}")).data["environment"]
        for caller in (admin, owner, friend, other)
    ]
    listed = [
        one["environment"]
        for path, caller in (("/api/v1/servers", owner), ("/api/v1/admin/servers", admin))
        for one in (await caller.get(f"{path}?search={server.name}")).data
        if one["id"] == str(server.id)
    ]

    everything, visible = {"SLOTS": "8", "MAP": "dm1", "LICENCE": "abc"}, {"SLOTS": "8", "MAP": "dm1"}
    assert seen == [everything, visible, visible, {}]
    assert listed == [{}, everything]


async def test_key_lists_servers_if_it_includes_to_see_them(user: Caller, people: People, made: Any) -> None:
    await made.server(user.account_id)
    keys = [
        (await user.post("/api/v1/account/api-keys", {"description": "key", "permissions": [one]})).data["token"]
        for one in ("server.view", "account.read")
    ]

    answers = [await people.bearer(one).get("/api/v1/servers") for one in keys]

    assert [one.status for one in answers] == [200, 403]
    assert len(answers[0].data) >= 1
