"""Everybody's API keys over the native API."""

from __future__ import annotations

from uuid import uuid4

from muntin.accounts.api_keys import new_key_token
from muntin.accounts.models import ApiKeyRow
from muntin.audit.models import AuditRow
from muntin.roles.models import RoleRow
from muntin.signing import digest
from muntin.testing.callers import Answer, Caller, People

KEYS = "/api/v1/admin/api-keys"


def _error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


async def _with_key(people: People, username: str) -> tuple[Caller, str]:
    """Somebody who is signed in, and a key of theirs."""
    caller, token = await people.sign_in(username), new_key_token()
    await ApiKeyRow.create(
        account_id=caller.account_id, prefix=token[:11], token_hash=digest(token), description="x", permissions=["*"]
    )
    return caller, token


async def test_list_shows_whose_key_it_is_and_never_the_key(admin: Caller, people: People) -> None:
    user, token = await _with_key(people, "somebody")
    key = await ApiKeyRow.get(account_id=user.account_id)

    response = await admin.get(f"{KEYS}?user_id={user.account_id}")

    assert response.data == [
        {
            "id": str(key.id),
            "prefix": token[:11],
            "description": key.description,
            "permissions": ["*"],
            "allowed_ips": [],
            "is_active": True,
            "last_used_at": None,
            "last_used_ip": None,
            "expires_at": None,
            "created_at": key.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "user_id": str(user.account_id),
        }
    ]
    assert token not in str(response.body)


async def test_list_is_filtered_and_searched(admin: Caller, people: People) -> None:
    user, _token = await _with_key(people, "zoe")
    await _with_key(people, "root")
    await ApiKeyRow.filter(account_id=user.account_id).update(is_active=False)

    async def owners(query: str) -> list[str]:
        response = await admin.get(f"{KEYS}?{query}")
        return [key["user_id"] for key in response.data]

    assert await owners("is_active=false") == [str(user.account_id)]
    assert await owners("is_active=true") == [str(admin.account_id)]
    assert await owners("search=ZOE") == [str(user.account_id)]
    assert _error(await admin.get(f"{KEYS}?user_id=x")) == (400, "bad_request")


async def test_deleted_key_stops_working_at_once(admin: Caller, people: People) -> None:
    user, token = await _with_key(people, "somebody")
    program = people.bearer(token)
    key = await ApiKeyRow.get(account_id=user.account_id)
    assert (await program.get("/api/v1/permissions")).status == 200

    response = await admin.delete(f"{KEYS}/{key.id}")

    assert (response.status, response.body) == (204, None)
    assert (await program.get("/api/v1/permissions")).status == 401
    assert await AuditRow.exists(event="api_key.deleted", subject_id=str(key.id))
    assert _error(await admin.delete(f"{KEYS}/{key.id}")) == (404, "not_found")


async def test_key_of_somebody_higher_is_out_of_reach(admin: Caller, people: People) -> None:
    role = await RoleRow.create(name="Keys", slug="keys", permissions=["admin.api-keys.*"])
    keeper = await people.sign_in("keeper", role_id=role.id)
    await _with_key(people, "root")
    key = await ApiKeyRow.get(account_id=admin.account_id)

    assert _error(await keeper.delete(f"{KEYS}/{key.id}")) == (403, "forbidden")


async def test_people_without_permission_and_strangers_are_refused(people: People) -> None:
    user = await people.sign_in("somebody")

    assert _error(await user.get(KEYS)) == (403, "forbidden")
    assert _error(await user.delete(f"{KEYS}/{uuid4()}")) == (403, "forbidden")
    assert _error(await people.stranger().get(KEYS)) == (401, "unauthorized")
    assert _error(await people.stranger().delete(f"{KEYS}/{uuid4()}")) == (401, "unauthorized")
