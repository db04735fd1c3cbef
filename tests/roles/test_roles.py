"""Roles over the native API."""

from __future__ import annotations

from muntin.accounts.api_keys import new_key_token
from muntin.accounts.models import ApiKeyRow
from muntin.audit.models import AuditRow
from muntin.roles.models import RoleRow
from muntin.signing import digest
from muntin.testing.callers import Answer, Caller, People

ROLES = "/api/v1/admin/roles"


def _error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


async def _with_key(people: People, owner: Caller, scopes: list[str]) -> Caller:
    token = new_key_token()
    await ApiKeyRow.create(
        account_id=owner.account_id, prefix=token[:11], token_hash=digest(token), description="x", permissions=scopes
    )
    return people.bearer(token)


async def test_three_roles_are_there_from_the_start(admin: Caller) -> None:
    response = await admin.get(f"{ROLES}?sort=id")

    body = response.body
    assert response.status == 200
    assert [(role["id"], role["slug"], role["is_system"]) for role in body["data"]] == [
        (1, "admin", True),
        (2, "moderator", True),
        (3, "user", True),
    ]
    assert body["data"][0]["permissions"] == ["*"]
    assert body["data"][0]["users_count"] == 1
    assert body["meta"] == {"current_page": 1, "per_page": 25, "total": 3, "total_pages": 1}


async def test_new_role_is_shown_and_audited(admin: Caller) -> None:
    wanted = {"name": "Süpport Team", "permissions": ["admin.users.list", "account.*"], "rate_limit_multiplier": 2}

    response = await admin.post(ROLES, wanted)

    role = response.data
    assert response.status == 201
    assert role == {
        "id": role["id"],
        "name": "Süpport Team",
        "slug": "support-team",
        "description": None,
        "is_system": False,
        "rate_limit_multiplier": 2.0,
        "permissions": ["account.*", "admin.users.list"],
        "users_count": 0,
        "created_at": role["created_at"],
        "updated_at": role["updated_at"],
    }
    assert role["id"] > 3
    assert (await admin.get(f"{ROLES}/{role['id']}")).data == role
    entry = await AuditRow.get(event="role.created", subject_id=str(role["id"]))
    assert (entry.actor_id, entry.subject_type) == (admin.account_id, "role")


async def test_wrong_fields_are_named_and_nothing_is_stored(admin: Caller) -> None:
    before = await RoleRow.all().count()

    for sent, field in [
        ({"permissions": []}, "name"),
        ({"name": "x"}, "permissions"),
        ({"name": "x", "permissions": ["admin.fly"]}, "permissions"),
        ({"name": "x", "permissions": ["flying.*"]}, "permissions"),
        ({"name": "x", "permissions": [], "rate_limit_multiplier": 0}, "rate_limit_multiplier"),
        ({"name": "x", "permissions": [], "is_system": True}, "is_system"),
        ({"name": "a\nb", "permissions": []}, "name"),
        ({"name": "x" * 65, "permissions": []}, "name"),
    ]:
        response = await admin.post(ROLES, sent)
        assert _error(response) == (422, "validation_error"), sent
        assert list(response.body["error"]["details"]) == [field]

    assert await RoleRow.all().count() == before


async def test_short_name_is_given_once(admin: Caller) -> None:
    await admin.post(ROLES, {"name": "Support", "permissions": []})

    response = await admin.post(ROLES, {"name": "support", "permissions": []})

    assert _error(response) == (409, "conflict")


async def test_nobody_makes_a_role_that_may_do_more_than_they(people: People) -> None:
    held = ["admin.roles.create", "admin.roles.list", "admin.users.list", "account.*"]
    role = await RoleRow.create(name="Clerk", slug="clerk", permissions=held)
    clerk = await people.sign_in("clerk", role_id=role.id)

    allowed = await clerk.post(ROLES, {"name": "Reader", "permissions": ["admin.users.list", "account.read"]})

    assert allowed.status == 201
    for more in (["admin.users.delete"], ["admin.*"], ["*"], ["admin.users.*"]):
        assert _error(await clerk.post(ROLES, {"name": "More", "permissions": more})) == (403, "forbidden")
    faster = await clerk.post(ROLES, {"name": "Faster", "permissions": [], "rate_limit_multiplier": 5})
    assert _error(faster) == (403, "forbidden")


async def test_key_gives_no_more_than_its_scopes(admin: Caller, people: People) -> None:
    key = await _with_key(people, admin, ["admin.roles.*"])

    refused = await key.post(ROLES, {"name": "More", "permissions": ["admin.users.list"]})
    allowed = await key.post(ROLES, {"name": "Same", "permissions": ["admin.roles.list"]})

    assert _error(refused) == (403, "forbidden")
    assert allowed.status == 201


async def test_higher_role_is_out_of_reach(people: People) -> None:
    editor = await RoleRow.create(name="Editor", slug="editor", permissions=["admin.roles.*", "account.*"])
    higher = await RoleRow.create(name="Higher", slug="higher", permissions=["admin.users.delete"])
    client = await people.sign_in("editor", role_id=editor.id)

    changed = await client.put(f"{ROLES}/{higher.id}", {"name": "Lower"})
    deleted = await client.delete(f"{ROLES}/{higher.id}")
    raised = await client.put(f"{ROLES}/{editor.id}", {"permissions": ["admin.roles.*", "admin.users.list"]})
    faster = await client.put(f"{ROLES}/{editor.id}", {"rate_limit_multiplier": 10})
    above_all = await client.put(f"{ROLES}/1", {"name": "Mine"})

    for response in (changed, deleted, raised, faster, above_all):
        assert _error(response) == (403, "forbidden")
    assert (await RoleRow.get(id=higher.id)).name == "Higher"


async def test_lowered_role_is_felt_at_once(admin: Caller, people: People) -> None:
    role = await RoleRow.create(name="Clerk", slug="clerk", permissions=["admin.roles.list", "admin.users.list"])
    clerk = await people.sign_in("clerk", role_id=role.id)
    assert (await clerk.get(ROLES)).status == 200

    response = await admin.put(f"{ROLES}/{role.id}", {"permissions": ["admin.users.list"]})

    assert response.data["permissions"] == ["admin.users.list"]
    assert _error(await clerk.get(ROLES)) == (403, "forbidden")
    entry = await AuditRow.get(event="role.updated", subject_id=str(role.id))
    assert entry.properties == {
        "permissions": {"from": ["admin.roles.list", "admin.users.list"], "to": ["admin.users.list"]}
    }


async def test_administrators_role_stays_as_it_is(admin: Caller) -> None:
    assert _error(await admin.put(f"{ROLES}/1", {"permissions": []})) == (409, "system_role")
    for role_id in (1, 2, 3):
        assert _error(await admin.delete(f"{ROLES}/{role_id}")) == (409, "system_role")
    assert _error(await admin.put(f"{ROLES}/2", {"slug": "boss"})) == (409, "system_role")

    response = await admin.put(f"{ROLES}/2", {"name": "Helper", "permissions": ["account.*"]})

    assert response.data["name"] == "Helper"


async def test_role_in_use_is_not_deleted(admin: Caller, people: People) -> None:
    role = await RoleRow.create(name="Used", slug="used", permissions=[])
    await people.add("holder", role_id=role.id)

    assert _error(await admin.delete(f"{ROLES}/{role.id}")) == (409, "role_in_use")


async def test_unused_role_is_deleted(admin: Caller) -> None:
    role = await RoleRow.create(name="Unused", slug="unused", permissions=[])

    response = await admin.delete(f"{ROLES}/{role.id}")

    assert (response.status, response.body) == (204, None)
    assert _error(await admin.get(f"{ROLES}/{role.id}")) == (404, "not_found")
    assert await AuditRow.exists(event="role.deleted", subject_id=str(role.id))


async def test_permission_of_an_absent_plugin_stays_but_cannot_be_added(admin: Caller) -> None:
    role = await RoleRow.create(name="Old", slug="old", permissions=["gone.things.read"])

    kept = await admin.put(f"{ROLES}/{role.id}", {"permissions": ["gone.things.read", "account.read"]})
    added = await admin.put(f"{ROLES}/{role.id}", {"permissions": ["gone.things.write"]})

    assert kept.data["permissions"] == ["account.read", "gone.things.read"]
    assert _error(added) == (422, "validation_error")


async def test_change_of_an_older_state_is_refused(admin: Caller) -> None:
    role = await RoleRow.create(name="Tagged", slug="tagged", permissions=[])
    tag = (await admin.get(f"{ROLES}/{role.id}")).headers["ETag"]

    first = await admin.put(f"{ROLES}/{role.id}", {"name": "Second"}, If_Match=tag)
    late = await admin.put(f"{ROLES}/{role.id}", {"name": "Third"}, If_Match=tag)

    assert first.status == 200
    assert _error(late) == (412, "precondition_failed")


async def test_strangers_and_people_without_permission_are_refused(admin: Caller, people: People) -> None:
    user = await people.sign_in("somebody")

    for method, path in [
        ("GET", ROLES),
        ("GET", f"{ROLES}/1"),
        ("POST", ROLES),
        ("PUT", f"{ROLES}/2"),
        ("DELETE", f"{ROLES}/2"),
    ]:
        body = {"name": "x", "permissions": []} if method in ("POST", "PUT") else None
        assert _error(await user.ask(method, path, body)) == (403, "forbidden")
        assert _error(await people.stranger().ask(method, path, body)) == (401, "unauthorized")


async def test_absent_role_is_not_found(admin: Caller) -> None:
    for role_id in ("99", "0", str(2**31), str(2**70), "none"):
        assert _error(await admin.get(f"{ROLES}/{role_id}")) == (404, "not_found")


async def test_list_is_searched_sorted_and_paged(admin: Caller) -> None:
    await RoleRow.create(name="100% sure", slug="sure", permissions=[])

    found = (await admin.get(f"{ROLES}?search=%25")).body
    last = (await admin.get(f"{ROLES}?sort=-name&per_page=1")).body

    assert [role["slug"] for role in found["data"]] == ["sure"]
    assert [role["slug"] for role in last["data"]] == ["user"]
    assert last["meta"]["total_pages"] == last["meta"]["total"] == 4
    assert _error(await admin.get(f"{ROLES}?sort=password")) == (400, "bad_request")
    assert _error(await admin.get(f"{ROLES}?per_page=101")) == (400, "bad_request")


async def test_catalogue_lists_permissions_by_what_they_are_granted_for(people: People) -> None:
    user = await people.sign_in("somebody")

    catalogue = (await user.get("/api/v1/permissions")).data

    assert set(catalogue) == {"server", "account", "admin"}
    assert "account.read" in {one["key"] for one in catalogue["account"]}
    assert {"admin.users.list", "admin.audit.view", "admin.settings.mail"} <= {one["key"] for one in catalogue["admin"]}
    assert all(set(one) == {"key", "group", "description"} for kind in catalogue.values() for one in kind)
