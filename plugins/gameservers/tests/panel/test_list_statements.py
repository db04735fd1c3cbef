"""Lists of servers cost the same few statements however many servers there are, and say what they always said."""

from __future__ import annotations

from typing import Any

import pytest

from muntin.database import count_statements
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import ServerRow, SubuserRow

MOST = 6
LIST = "/api/v1/servers"


@pytest.mark.parametrize("count", [10, 1_000, 10_000])
async def test_list_takes_few_statements(count: int, people: People, made: Any) -> None:
    owner = await people.sign_in(f"owner{count}")
    first = await made.server(owner.account_id, name="aaa")
    await ServerRow.bulk_create(
        [_like(first, f"server {number:05}", number) for number in range(count - 1)], batch_size=500
    )

    with count_statements() as cold:
        answer = await owner.get(LIST)
    with count_statements() as warm:
        again = await owner.get(LIST)

    assert answer.body["meta"] == {
        "current_page": 1,
        "per_page": 25,
        "total": count,
        "total_pages": max(1, -(-count // 25)),
    }
    assert len(answer.data) == min(25, count)
    assert again.body == answer.body
    assert len(warm) <= len(cold) <= MOST


async def test_list_shows_own_and_shared_servers_as_each_alone(people: People, made: Any) -> None:
    me, other = await people.sign_in("me"), await people.sign_in("other")
    own = await made.server(me.account_id, name="bravo")
    shared = await made.server(other.account_id, name="alpha")
    await made.server(other.account_id, name="hidden")
    await SubuserRow.create(server_id=shared.id, account_id=me.account_id, permissions=["control.console"])

    listed = await me.get(LIST)
    alone = [(await me.get(f"{LIST}/{one.id}")).data for one in (shared, own)]

    assert listed.data == [{**one, "environment": {}} for one in alone]
    assert [(one["is_owner"], one["environment"]) for one in alone] == [
        (False, {}),
        (True, {"SLOTS": "8", "MAP": "dm1"}),
    ]
    assert listed.data[0]["permissions"] == ["server.view", "control.console"]
    assert [one["id"] for one in (await me.get(f"{LIST}?type=owner")).data] == [str(own.id)]
    assert [one["id"] for one in (await me.get(f"{LIST}?type=subuser")).data] == [str(shared.id)]


async def test_pages_sort_and_search_name_the_right_servers(people: People, made: Any) -> None:
    me = await people.sign_in("seeker")
    names = ("Ten%", "ten_", "other")
    rows = {name: await made.server(me.account_id, name=name, external_id=f"x-{name}") for name in names}

    async def found(query: str) -> tuple[list[str], int]:
        answer = await me.get(f"{LIST}?{query}")
        return [one["name"] for one in answer.data], answer.body["meta"]["total"]

    assert await found("search=TEN") == (["Ten%", "ten_"], 2)
    assert await found("search=%25") == (["Ten%"], 1)
    assert await found(f"search={rows['other'].short_id}") == (["other"], 1)
    assert await found("sort=-created_at&per_page=2&page=2") == (["Ten%"], 3)
    assert await found("page=9") == ([], 3)
    assert await found("status=running") == ([], 0)
    assert await found("status=offline&per_page=1&sort=created_at") == (["Ten%"], 3)


@pytest.mark.parametrize("query", ["status=asleep", "sort=password"])
async def test_unknown_words_are_refused(user: Caller, query: str) -> None:
    answer = await user.get(f"{LIST}?{query}")

    assert (answer.status, answer.code) == (400, "bad_request")


def _like(row: ServerRow, name: str, number: int) -> ServerRow:
    return ServerRow(
        name=name, short_id=f"{number:04x}{str(row.id)[-4:]}", owner_id=row.owner_id, node_id=row.node_id,
        egg_id=row.egg_id, memory_mib=row.memory_mib, disk_mib=row.disk_mib, image=row.image, startup=row.startup,
        environment=row.environment, stage="ready",
    )  # fmt: skip
