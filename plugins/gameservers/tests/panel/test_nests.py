"""`/api/v1/admin/nests`."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from muntin.audit.models import AuditRow
from muntin.testing.callers import Caller
from muntin_gameservers.models import NestRow


async def test_nest_is_created_shown_changed_and_deleted(admin: Caller) -> None:
    created = await admin.post("/api/v1/admin/nests", {"name": "Voice", "description": "Talking."})
    path = f"/api/v1/admin/nests/{created.data['id']}"
    shown = await admin.get(path)
    changed = await admin.put(path, {"name": "Talk", "description": None})
    deleted = await admin.delete(path)

    assert created.status == 201
    assert {**created.data, "id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "name": "Voice",
        "description": "Talking.",
        "author": "administrator",
        "eggs_count": 0,
        "created_at": "",
        "updated_at": "",
    }
    assert (shown.status, shown.data) == (200, created.data)
    assert (changed.status, changed.data["name"], changed.data["description"]) == (200, "Talk", None)
    assert (deleted.status, deleted.body) == (204, None)
    assert await NestRow.get_or_none(name="Talk") is None
    recorded = await AuditRow.filter(subject_id=created.data["id"]).order_by("id")
    assert [one.event for one in recorded] == ["nest.created", "nest.updated", "nest.deleted"]


async def test_nests_are_listed_in_pages_with_the_number_of_their_eggs(admin: Caller, made: Any) -> None:
    first, second = await made.nest("listed b"), await made.nest("listed a")
    await made.egg(first)
    await made.egg(first)

    answer = await admin.get("/api/v1/admin/nests?search=LISTED&per_page=1&sort=-name")

    assert answer.status == 200
    assert [(one["id"], one["eggs_count"]) for one in answer.data] == [(str(first.id), 2)]
    assert answer.body["meta"] == {"current_page": 1, "per_page": 1, "total": 2, "total_pages": 2}
    assert (await admin.get(f"/api/v1/admin/nests/{second.id}")).data["eggs_count"] == 0


async def test_name_that_is_taken_is_refused(admin: Caller, made: Any) -> None:
    nest, other = await made.nest(), await made.nest()

    created = await admin.post("/api/v1/admin/nests", {"name": nest.name})
    renamed = await admin.put(f"/api/v1/admin/nests/{other.id}", {"name": nest.name})

    assert (created.status, created.code) == (409, "conflict")
    assert (renamed.status, renamed.code) == (409, "conflict")
    assert (await NestRow.get(id=other.id)).name == other.name


async def test_same_idempotency_key_makes_one_nest(admin: Caller) -> None:
    first = await admin.post("/api/v1/admin/nests", {"name": "once"}, Idempotency_Key="nest-once")
    second = await admin.post("/api/v1/admin/nests", {"name": "once"}, Idempotency_Key="nest-once")

    assert (first.status, second.status, second.data) == (201, 201, first.data)


async def test_nest_with_eggs_is_not_deleted(admin: Caller, made: Any) -> None:
    nest = await made.nest()
    await made.egg(nest)

    answer = await admin.delete(f"/api/v1/admin/nests/{nest.id}")

    assert (answer.status, answer.code) == (409, "nest_in_use")
    assert await NestRow.exists(id=nest.id)


async def test_wrong_fields_are_named(admin: Caller) -> None:
    nameless = await admin.post("/api/v1/admin/nests", {"name": "  ", "owner": "me"})
    unsortable = await admin.get("/api/v1/admin/nests?sort=password")

    assert (nameless.status, nameless.code) == (422, "validation_error")
    assert sorted(nameless.body["error"]["details"]) == ["name", "owner"]
    assert (unsortable.status, unsortable.code) == (400, "bad_request")


async def test_unknown_nest_is_not_found(admin: Caller) -> None:
    path = f"/api/v1/admin/nests/{uuid4()}"

    answers = [await admin.get(path), await admin.put(path, {"name": "x"}), await admin.delete(path)]

    assert [(one.status, one.code) for one in answers] == [(404, "not_found")] * 3
    assert (await admin.get("/api/v1/admin/nests/nonsense")).status == 404


async def test_others_than_administrators_are_refused(user: Caller, stranger: Caller, made: Any) -> None:
    nest = await made.nest()

    assert (await user.get("/api/v1/admin/nests")).code == "forbidden"
    assert (await user.delete(f"/api/v1/admin/nests/{nest.id}")).code == "forbidden"
    assert (await stranger.get("/api/v1/admin/nests")).code == "unauthorized"
    assert await NestRow.exists(id=nest.id)
