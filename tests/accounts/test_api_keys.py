"""API keys: made once, limited, switched off, raced for."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from muntin.accounts.models import AccountRow, ApiKeyRow
from muntin.audit.models import AuditRow
from muntin.roles.models import ADMIN_ID
from muntin.signing import digest

KEYS = "/api/v1/account/api-keys"
ACCOUNT = "/api/v1/account"
VECTOR = "bp_k7Qm2Xz9Lr4Tn8Vb1Hc6Yd3Wf5Gs0JpAeUiOaBcD"


async def test_key_is_shown_once_and_kept_as_digest(ada: Any) -> None:
    made = await ada.post(KEYS, {"description": "backup script"})
    listed = await ada.get(KEYS)

    token = made.data.pop("token")
    assert made.status == 201
    assert re.fullmatch(r"bp_[A-Za-z0-9]{40}", token)
    assert made.data == {
        "id": made.data["id"],
        "prefix": token[:11],
        "description": "backup script",
        "permissions": ["*"],
        "allowed_ips": [],
        "is_active": True,
        "last_used_at": None,
        "last_used_ip": None,
        "expires_at": None,
        "created_at": made.data["created_at"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.data["created_at"])
    assert listed.body == {
        "data": [made.data],
        "meta": {"current_page": 1, "per_page": 25, "total": 1, "total_pages": 1},
    }
    row = await ApiKeyRow.get()
    assert (row.token_hash, row.prefix) == (digest(token), token[:11])
    assert token not in str(vars(row))


async def test_key_of_the_vector_is_found_by_its_digest(ada: Any, people: Any) -> None:
    await ApiKeyRow.create(
        account_id=ada.account.id,
        prefix="bp_k7Qm2Xz9",
        token_hash="26455191a9c8cda286bd708cc937bb2d7f73b6e544810662fc2689cc72206ea5",
        description="vector",
        permissions=["*"],
    )

    answer = await people.program(VECTOR).get(ACCOUNT)

    assert (answer.status, answer.data["username"]) == (200, "ada")


async def test_use_of_a_key_is_noted_and_sets_no_cookie(ada: Any, people: Any) -> None:
    token = (await ada.post(KEYS, {"description": "x"})).data["token"]

    answer = await people.program(token, "203.0.113.9").get(ACCOUNT)
    [key] = (await ada.get(KEYS)).data

    assert answer.status == 200
    assert "Set-Cookie" not in answer.headers
    assert key["last_used_ip"] == "203.0.113.9"
    assert key["last_used_at"] is not None


async def test_key_never_allows_more_than_its_permissions(ada: Any, people: Any) -> None:
    token = (await ada.post(KEYS, {"description": "x", "permissions": ["account.read"]})).data["token"]
    program = people.program(token)

    assert (await program.get(ACCOUNT)).status == 200
    for path in ("/api/v1/account/sessions", KEYS):
        answer = await program.get(path)
        assert (answer.status, answer.code) == (403, "forbidden")


async def test_key_never_allows_more_than_its_owner_may(ada: Any, people: Any) -> None:
    wide = (await ada.post(KEYS, {"description": "x", "permissions": ["*", "admin.*", "admin.users.list"]})).data

    answer = await people.program(wide["token"]).get("/api/v1/admin/roles")

    assert (answer.status, answer.code) == (403, "forbidden")


async def test_wildcard_stands_for_a_group(ada: Any, people: Any) -> None:
    token = (await ada.post(KEYS, {"description": "x", "permissions": ["account.*"]})).data["token"]

    assert (await people.program(token).get("/api/v1/account/sessions")).status == 200


async def test_key_works_from_its_addresses_only(ada: Any, people: Any) -> None:
    wanted = {"description": "x", "allowed_ips": ["192.0.2.7", "203.0.113.99/24", "2001:db8::/32"]}
    made = await ada.post(KEYS, wanted)
    token = made.data["token"]

    good = [await people.program(token, ip).get(ACCOUNT) for ip in ("192.0.2.7", "203.0.113.4", "2001:db8::9")]
    bad = [await people.program(token, ip).get(ACCOUNT) for ip in ("192.0.2.8", "203.0.114.1", "2001:db9::1")]

    assert made.data["allowed_ips"] == ["192.0.2.7", "203.0.113.0/24", "2001:db8::/32"]
    assert [answer.status for answer in good] == [200, 200, 200]
    assert {(answer.status, answer.code) for answer in bad} == {(403, "ip_not_allowed")}


async def test_forged_forwarding_header_does_not_change_the_address(ada: Any, people: Any) -> None:
    token = (await ada.post(KEYS, {"description": "x", "allowed_ips": ["192.0.2.7"]})).data["token"]

    direct = await people.program(token, "203.0.113.4").get(ACCOUNT, X_Forwarded_For="192.0.2.7")
    proxied = await people.program(token, "127.0.0.1").get(ACCOUNT, X_Forwarded_For="192.0.2.7")

    assert (direct.status, proxied.status) == (403, 200)


async def test_expired_and_switched_off_keys_are_told_apart_from_unknown_ones(ada: Any, people: Any) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    first = (await ada.post(KEYS, {"description": "x", "expires_at": soon})).data
    second = (await ada.post(KEYS, {"description": "y"})).data
    await ApiKeyRow.filter(id=first["id"]).update(expires_at=datetime.now(UTC))
    await ada.put(f"{KEYS}/{second['id']}", {"is_active": False})

    answers = [await people.program(key["token"]).get(ACCOUNT) for key in (first, second)]
    unknown = await people.program("bp_" + "a" * 40).get(ACCOUNT)

    assert {(answer.status, answer.code) for answer in answers} == {(401, "api_key_inactive")}
    assert (unknown.status, unknown.code) == (401, "unauthorized")


async def test_switching_a_key_off_and_on_counts_at_once(ada: Any, people: Any) -> None:
    made = (await ada.post(KEYS, {"description": "x"})).data
    program = people.program(made["token"])

    seen = [(await program.get(ACCOUNT)).status]
    for is_active in (False, True):
        answer = await ada.put(f"{KEYS}/{made['id']}", {"is_active": is_active})
        assert answer.data["is_active"] is is_active
        seen.append((await program.get(ACCOUNT)).status)

    assert seen == [200, 401, 200]


async def test_narrowing_a_key_counts_at_once(ada: Any, people: Any) -> None:
    made = (await ada.post(KEYS, {"description": "x"})).data
    program = people.program(made["token"])
    assert (await program.get("/api/v1/account/sessions")).status == 200

    changed = await ada.put(f"{KEYS}/{made['id']}", {"permissions": ["account.read"], "description": "narrow"})

    assert (changed.data["permissions"], changed.data["description"]) == (["account.read"], "narrow")
    assert (await program.get("/api/v1/account/sessions")).status == 403


async def test_deleted_key_stops_working_at_once(ada: Any, people: Any) -> None:
    made = (await ada.post(KEYS, {"description": "x"})).data
    program = people.program(made["token"])
    before = await program.get(ACCOUNT)

    deleted = await ada.delete(f"{KEYS}/{made['id']}")
    after = await program.get(ACCOUNT)

    assert (before.status, deleted.status, deleted.body) == (200, 204, None)
    assert (after.status, after.code) == (401, "unauthorized")
    assert (await ada.delete(f"{KEYS}/{made['id']}")).status == 404


async def test_suspended_owner_blocks_the_key(ada: Any, people: Any) -> None:
    token = (await ada.post(KEYS, {"description": "x"})).data["token"]
    await AccountRow.filter(id=ada.account.id).update(status="suspended")

    answer = await people.program(token).get(ACCOUNT)

    assert (answer.status, answer.code) == (403, "account_suspended")


async def test_key_cannot_make_or_change_keys(ada: Any, people: Any) -> None:
    made = (await ada.post(KEYS, {"description": "x"})).data
    program = people.program(made["token"])

    create = await program.post(KEYS, {"description": "y"})
    change = await program.put(f"{KEYS}/{made['id']}", {"allowed_ips": []})
    password = await program.put("/api/v1/account/password", {"current_password": "x", "password": "a new password"})
    logout = await program.post("/api/v1/auth/logout")

    assert {(answer.status, answer.code) for answer in (create, change, password, logout)} == {
        (403, "session_required")
    }


async def test_foreign_keys_do_not_exist(ada: Any, people: Any) -> None:
    eve, root = await people.sign_in("eve"), await people.sign_in("root", role_id=ADMIN_ID)
    made = (await ada.post(KEYS, {"description": "x"})).data
    path = f"{KEYS}/{made['id']}"

    answers = [answer for caller in (eve, root) for answer in (await caller.put(path, {}), await caller.delete(path))]

    assert {(answer.status, answer.code) for answer in answers} == {(404, "not_found")}
    assert (await eve.get(KEYS)).data == []
    assert (await ada.put(path, {"description": "still mine"})).status == 200


@pytest.mark.parametrize("key_id", ["01a1fb00-0000-7000-8000-000000000000", "1", "x"])
async def test_unknown_key_is_not_found(ada: Any, key_id: str) -> None:
    assert (await ada.delete(f"{KEYS}/{key_id}")).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "description"),
        ({"description": ""}, "description"),
        ({"description": "x" * 192}, "description"),
        ({"description": "a\nb"}, "description"),
        ({"description": "x", "permissions": ["nothing.known"]}, "permissions.0"),
        ({"description": "x", "permissions": ["account.read", "nothing.*"]}, "permissions.1"),
        ({"description": "x", "permissions": "*"}, "permissions"),
        ({"description": "x", "allowed_ips": ["300.1.1.1"]}, "allowed_ips.0"),
        ({"description": "x", "allowed_ips": ["192.0.2.0/33"]}, "allowed_ips.0"),
        ({"description": "x", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"description": "x", "expires_at": "2100-01-01T00:00:00"}, "expires_at"),
        ({"description": "x", "token": "bp_mine"}, "token"),
        ({"description": "x", "user_id": str(uuid4())}, "user_id"),
    ],
)
async def test_wrong_field_is_named_and_nothing_is_stored(ada: Any, body: dict[str, Any], field: str) -> None:
    answer = await ada.post(KEYS, body)

    assert (answer.status, answer.code) == (422, "validation_error")
    assert list(answer.body["error"]["details"]) == [field]
    assert await ApiKeyRow.all().count() == 0


async def test_twenty_sixth_key_is_refused(ada: Any) -> None:
    await ApiKeyRow.bulk_create(_row(ada, number) for number in range(24))

    last = await ada.post(KEYS, {"description": "25"})
    beyond = await ada.post(KEYS, {"description": "26"})

    assert last.status == 201
    assert (beyond.status, beyond.code) == (409, "limit_reached")


async def test_of_parallel_requests_for_the_last_key_one_wins(ada: Any) -> None:
    await ApiKeyRow.bulk_create(_row(ada, number) for number in range(24))

    answers = await asyncio.gather(*(ada.post(KEYS, {"description": "last"}) for _index in range(6)))

    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert await ApiKeyRow.all().count() == 25


async def test_list_is_paged_sorted_and_searched(ada: Any) -> None:
    for description in ("b", "c", "a"):
        await ada.post(KEYS, {"description": description})

    async def names(query: str) -> list[str]:
        return [key["description"] for key in (await ada.get(f"{KEYS}?{query}")).data]

    assert await names("") == ["a", "c", "b"]
    assert await names("sort=description") == ["a", "b", "c"]
    assert await names("sort=-description&per_page=2&page=2") == ["a"]
    assert await names("search=B") == ["b"]
    assert await names("page=9") == []
    for query in ("sort=token_hash", "page=0", "per_page=101", "per_page=x"):
        answer = await ada.get(f"{KEYS}?{query}")
        assert (answer.status, answer.code) == (400, "bad_request")


async def test_keys_are_audited_without_the_key(ada: Any) -> None:
    made = (await ada.post(KEYS, {"description": "x"})).data
    await ada.delete(f"{KEYS}/{made['id']}")

    entries = await AuditRow.filter(event__startswith="api_key.").order_by("id")

    assert [(entry.event, entry.subject_id) for entry in entries] == [
        ("api_key.created", made["id"]),
        ("api_key.deleted", made["id"]),
    ]
    assert made["token"][11:] not in str([vars(entry) for entry in entries])


async def test_owner_is_told_of_a_new_key(ada: Any, mails: Any) -> None:
    made = (await ada.post(KEYS, {"description": "x"})).data

    [mail] = await mails()

    assert (mail.template, mail.to) == ("account.notice", "ada@example.com")
    assert made["token"] not in str(mail.values)


async def test_keys_can_be_switched_off_for_everybody(ada: Any, change_settings: Any) -> None:
    await change_settings("features", api_keys=False)

    answer = await ada.post(KEYS, {"description": "x"})

    assert (answer.status, answer.code) == (403, "forbidden")


def _row(ada: Any, number: int) -> ApiKeyRow:
    return ApiKeyRow(
        account_id=ada.account.id, prefix="bp_x", token_hash=str(number), description=str(number), permissions=["*"]
    )
