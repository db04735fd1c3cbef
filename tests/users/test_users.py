"""Accounts of others over the native API."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from muntin.accounts.api_keys import new_key_token
from muntin.accounts.models import AccountRow, ApiKeyRow, OneTimeTokenRow
from muntin.accounts.passwords import is_password
from muntin.audit.models import AuditRow
from muntin.events.models import OutboxRow
from muntin.mail.models import MailRow
from muntin.roles.models import RoleRow
from muntin.signing import digest
from muntin.testing.callers import Answer, Caller, People

USERS = "/api/v1/admin/users"


def _error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


async def _person(people: People, username: str, *, role_id: int = 3, **values: Any) -> Caller:
    """Somebody who is signed in, and has these values."""
    caller = await people.sign_in(username, role_id=role_id)
    if values:
        await AccountRow.filter(id=caller.account_id).update(**values)
    return caller


async def test_new_account_with_a_password_can_be_used(admin: Caller) -> None:
    sent = {
        "email": "Ada@Example.org",
        "username": "Ada",
        "password": "correct horse",
        "first_name": "Ada",
        "external_id": "crm-7",
    }

    response = await admin.post(USERS, sent)

    user = response.data
    stored = await AccountRow.get(id=user["id"])
    assert response.status == 201
    assert user == {
        "id": user["id"],
        "email": "ada@example.org",
        "username": "Ada",
        "first_name": "Ada",
        "last_name": None,
        "role": {"id": 3, "name": "User", "slug": "user"},
        "permissions": (await RoleRow.get(id=3)).permissions,
        "language": "en",
        "timezone": "UTC",
        "two_factor_enabled": False,
        "email_verified_at": None,
        "status": "active",
        "created_at": user["created_at"],
        "updated_at": user["updated_at"],
        "role_id": 3,
        "external_id": "crm-7",
        "servers_count": 0,
        "last_login_at": None,
    }
    assert (await admin.get(f"{USERS}/{user['id']}")).data == user
    assert await is_password("correct horse", stored.password_hash)
    assert not await MailRow.exists(to_address="ada@example.org")
    entry = await AuditRow.get(event="user.created", subject_id=user["id"])
    assert "correct horse" not in str(entry.properties)


async def test_new_account_without_a_password_is_invited(admin: Caller) -> None:
    response = await admin.post(USERS, {"email": "eve@example.org", "username": "eve"})

    user = response.data
    mail = await MailRow.get(to_address="eve@example.org")
    assert response.status == 201
    assert (mail.template, mail.state) == ("account.invitation", "queued")
    assert await OneTimeTokenRow.filter(account_id=user["id"], purpose="invitation").count() == 1


async def test_wrong_fields_are_named_and_nothing_is_stored(admin: Caller) -> None:
    good = {"email": "new@example.org", "username": "newcomer"}

    cases: list[tuple[dict[str, Any], str]] = [
        ({"email": "nobody"}, "email"),
        ({"username": "ab"}, "username"),
        ({"username": "a" * 65}, "username"),
        ({"password": "short"}, "password"),
        ({"role_id": 99}, "role_id"),
        ({"status": "deleted"}, "status"),
        ({"language": "not a tag"}, "language"),
        ({"first_name": "a\r\nBcc: b@c.d"}, "first_name"),
        ({"is_admin": True}, "is_admin"),
        ({"email_verified_at": "2026-01-01T00:00:00Z"}, "email_verified_at"),
    ]
    for wrong, field in cases:
        response = await admin.post(USERS, {**good, **wrong})
        assert _error(response) == (422, "validation_error"), wrong
        assert list(response.body["error"]["details"]) == [field]

    assert not await AccountRow.exists(email="new@example.org")


async def test_address_name_and_external_id_are_given_once(admin: Caller) -> None:
    taken = {"email": "one@example.org", "username": "One", "password": "correct horse", "external_id": "1"}
    await admin.post(USERS, taken)
    other = {"email": "two@example.org", "username": "Two", "password": "correct horse"}

    for same in ({"email": "ONE@example.org"}, {"username": "one"}, {"external_id": "1"}):
        assert _error(await admin.post(USERS, {**other, **same})) == (409, "conflict")

    second = (await admin.post(USERS, other)).data
    for same in ({"email": "one@example.org"}, {"username": "ONE"}, {"external_id": "1"}):
        assert _error(await admin.put(f"{USERS}/{second['id']}", same)) == (409, "conflict")
    assert (await admin.put(f"{USERS}/{second['id']}", {"username": "TWO"})).status == 200


async def test_of_two_at_once_one_gets_the_address(admin: Caller) -> None:
    sent = [{"email": "race@example.org", "username": f"racer{n}", "password": "correct horse"} for n in range(4)]

    answers = await asyncio.gather(*(admin.post(USERS, one) for one in sent))

    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]


async def test_list_is_filtered_searched_and_sorted(admin: Caller, people: People) -> None:
    await _person(people, "zoe", role_id=2, first_name="Zoë", external_id="z")
    await _person(people, "max", status="suspended")
    await _person(people, "old", status="deleted")

    async def names(query: str) -> list[str]:
        return [user["username"] for user in (await admin.get(f"{USERS}?{query}")).data]

    assert await names("") == ["max", "root", "zoe"]
    assert await names("sort=-name") == ["zoe", "root", "max"]
    assert await names("status=suspended") == ["max"]
    assert await names("status=deleted") == ["old"]
    assert await names("status=&role_id=") == ["max", "root", "zoe"]
    assert await names("role_id=2") == ["zoe"]
    assert await names("email=ZOE@example.com") == ["zoe"]
    assert await names("external_id=z") == ["zoe"]
    assert await names("search=ZO") == ["zoe"]
    assert await names("search=%25") == []
    assert await names("page=2") == []
    for wrong in ("sort=password_hash", "page=0", "per_page=101", "status=gone", "role_id=x"):
        assert _error(await admin.get(f"{USERS}?{wrong}")) == (400, "bad_request"), wrong


async def test_change_answers_the_account_as_it_is_afterwards(admin: Caller, people: People) -> None:
    user = await _person(people, "somebody", first_name="Old", external_id="x")

    response = await admin.put(
        f"{USERS}/{user.account_id}", {"first_name": "New", "external_id": None, "role_id": 2, "language": "de"}
    )

    changed = response.data
    assert response.status == 200
    assert (changed["first_name"], changed["external_id"], changed["language"]) == ("New", None, "de")
    assert changed["role"] == {"id": 2, "name": "Moderator", "slug": "moderator"}
    entry = await AuditRow.get(event="user.updated", subject_id=str(user.account_id))
    assert entry.properties["changed"] == ["external_id", "first_name", "language", "role_id"]


async def test_new_password_ends_sessions_and_is_audited_without_it(admin: Caller, people: People) -> None:
    user = await _person(people, "somebody")

    response = await admin.put(f"{USERS}/{user.account_id}", {"password": "a new horse"})

    assert response.status == 200
    assert await is_password("a new horse", (await AccountRow.get(id=user.account_id)).password_hash)
    assert "a new horse" not in str(await AuditRow.all().values("properties"))


async def test_suspension_ends_sessions_and_stops_keys_until_it_is_lifted(admin: Caller, people: People) -> None:
    session, token = await people.sign_in("somebody"), new_key_token()
    key = people.bearer(token)
    await ApiKeyRow.create(
        account_id=session.account_id, prefix=token[:11], token_hash=digest(token), description="x", permissions=["*"]
    )
    before = [(await caller.get("/api/v1/permissions")).status for caller in (session, key)]

    await admin.put(f"{USERS}/{session.account_id}", {"status": "suspended"})
    suspended = [_error(await caller.get("/api/v1/permissions")) for caller in (session, key)]
    await admin.put(f"{USERS}/{session.account_id}", {"status": "active"})
    lifted = [(await caller.get("/api/v1/permissions")).status for caller in (session, key)]

    assert before == [200, 200]
    assert suspended == [(401, "unauthorized"), (403, "account_suspended")]
    assert lifted == [401, 200]
    told = await OutboxRow.filter(resource_id=str(session.account_id)).order_by("sequence")
    assert [event.type for event in told if "suspended" in event.type] == ["user.suspended", "user.unsuspended"]


async def test_suspending_needs_its_own_permission(people: People) -> None:
    role = await RoleRow.create(name="Desk", slug="desk", permissions=["admin.users.update", "account.*"])
    desk, user = await _person(people, "desk", role_id=role.id), await _person(people, "somebody")

    refused = await desk.put(f"{USERS}/{user.account_id}", {"status": "suspended"})
    allowed = await desk.put(f"{USERS}/{user.account_id}", {"first_name": "Ann"})

    assert _error(refused) == (403, "forbidden")
    assert allowed.status == 200


async def test_account_that_may_do_more_is_out_of_reach(admin: Caller, people: People) -> None:
    role = await RoleRow.create(name="Desk", slug="desk", permissions=["admin.users.*", "account.*"])
    desk, user = await _person(people, "desk", role_id=role.id), await _person(people, "somebody")
    above = f"{USERS}/{admin.account_id}"

    refused = [
        await desk.put(above, {"first_name": "Mine"}),
        await desk.put(above, {"password": "taken over"}),
        await desk.put(above, {"status": "suspended"}),
        await desk.delete(above),
        await desk.post(f"{above}/two-factor/disable"),
        await desk.put(f"{USERS}/{user.account_id}", {"role_id": 1}),
        await desk.put(f"{USERS}/{desk.account_id}", {"role_id": 1}),
        await desk.post(USERS, {"email": "n@example.org", "username": "next", "role_id": 1}),
    ]

    for response in refused:
        assert _error(response) == (403, "forbidden")
    assert (await desk.put(f"{USERS}/{user.account_id}", {"role_id": role.id})).status == 200


async def test_last_administrator_stays(admin: Caller, people: People) -> None:
    own = f"{USERS}/{admin.account_id}"
    other = await _person(people, "other", role_id=1)

    demoted = await admin.put(f"{USERS}/{other.account_id}", {"role_id": 3})
    alone = await admin.put(own, {"role_id": 3})

    assert demoted.status == 200
    assert _error(alone) == (409, "last_administrator")


async def test_of_two_administrators_who_resign_at_once_one_stays(people: People) -> None:
    first, second = await _person(people, "first", role_id=1), await _person(people, "second", role_id=1)

    answers = await asyncio.gather(
        first.put(f"{USERS}/{first.account_id}", {"role_id": 3}),
        second.put(f"{USERS}/{second.account_id}", {"role_id": 3}),
    )

    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_own_status_is_not_ones_own_business(admin: Caller, people: People) -> None:
    await _person(people, "other", role_id=1)

    response = await admin.put(f"{USERS}/{admin.account_id}", {"status": "suspended"})

    assert _error(response) == (403, "forbidden")


async def test_second_factor_is_taken_away_and_its_person_told(admin: Caller, people: People) -> None:
    user = await _person(people, "somebody", two_factor_secret="v1.x.y")

    response = await admin.post(f"{USERS}/{user.account_id}/two-factor/disable")

    assert response.status == 200
    assert response.data["two_factor_enabled"] is False
    assert (await AccountRow.get(id=user.account_id)).two_factor_secret is None
    assert (await MailRow.get(to_address="somebody@example.com")).template == "account.notice"
    assert await AuditRow.exists(event="user.two_factor_disabled", subject_id=str(user.account_id))


async def test_absent_and_deleted_accounts_cannot_be_changed(admin: Caller, people: People) -> None:
    gone = await _person(people, "gone", status="deleted")

    for account_id in (uuid4(), gone.account_id):
        assert _error(await admin.put(f"{USERS}/{account_id}", {})) == (404, "not_found")
        assert _error(await admin.delete(f"{USERS}/{account_id}")) == (404, "not_found")
    assert _error(await admin.get(f"{USERS}/{uuid4()}")) == (404, "not_found")
    assert _error(await admin.get(f"{USERS}/nonsense")) == (404, "not_found")


async def test_change_of_an_older_state_is_refused(admin: Caller, people: People) -> None:
    path = f"{USERS}/{(await _person(people, 'somebody')).account_id}"
    tag = (await admin.get(path)).headers["ETag"]

    first = await admin.put(path, {"first_name": "First"}, If_Match=tag)
    late = await admin.put(path, {"first_name": "Late"}, If_Match=tag)

    assert first.status == 200
    assert _error(late) == (412, "precondition_failed")


async def test_every_route_needs_its_permission(people: People) -> None:
    user, other = await _person(people, "somebody"), await _person(people, "other")
    one = f"{USERS}/{other.account_id}"

    for method, path, body in [
        ("GET", USERS, None),
        ("GET", one, None),
        ("POST", USERS, {"email": "x@example.org", "username": "xerxes"}),
        ("PUT", one, {"first_name": "x"}),
        ("DELETE", one, None),
        ("POST", f"{one}/two-factor/disable", None),
    ]:
        assert _error(await user.ask(method, path, body)) == (403, "forbidden")
        assert _error(await people.stranger().ask(method, path, body)) == (401, "unauthorized")
