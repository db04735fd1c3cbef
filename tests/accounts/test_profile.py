"""The profile, the password, the activity log, SSH keys."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from muntin.accounts.models import AccountRow, SshKeyRow
from muntin.events.models import OutboxRow
from muntin.roles.models import ADMIN_ID

ACCOUNT, PASSWORD_PATH = "/api/v1/account", "/api/v1/account/password"
SSH, ACTIVITY = "/api/v1/account/ssh-keys", "/api/v1/account/activity"
PASSWORD = "correct horse battery"


def stamp(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


async def test_account_is_shown_in_full(ada: Any) -> None:
    answer = await ada.get(ACCOUNT)

    row = await AccountRow.get(id=ada.account.id).select_related("role")
    assert answer.body == {
        "data": {
            "id": str(row.id),
            "email": "ada@example.com",
            "username": "ada",
            "first_name": None,
            "last_name": None,
            "role": {"id": 3, "name": "User", "slug": "user"},
            "permissions": sorted(row.role.permissions),
            "language": "en",
            "timezone": "UTC",
            "two_factor_enabled": False,
            "email_verified_at": stamp(row.email_verified_at),
            "status": "active",
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.updated_at),
        }
    }
    assert "account.api-keys" in answer.data["permissions"]


async def test_administrator_may_do_everything(people: Any) -> None:
    root = await people.sign_in("root", role_id=ADMIN_ID)

    assert (await root.get(ACCOUNT)).data["permissions"] == ["*"]


async def test_profile_is_changed_in_parts(ada: Any) -> None:
    first = await ada.put(ACCOUNT, {"username": "Ada.L", "first_name": " Ada ", "timezone": "Europe/Berlin"})
    second = await ada.put(ACCOUNT, {"first_name": None, "language": "pt-BR"})

    assert (first.status, second.status) == (200, 200)
    shown = (await ada.get(ACCOUNT)).data
    assert shown == second.data
    assert [shown[name] for name in ("username", "first_name", "timezone", "language")] == [
        "Ada.L",
        None,
        "Europe/Berlin",
        "pt-BR",
    ]
    assert first.data["first_name"] == "Ada"
    assert (await AccountRow.get(id=ada.account.id)).username_key == "ada.l"
    [event, _second] = await OutboxRow.filter(type="user.updated").order_by("sequence")
    assert event.payload == {"user_id": str(ada.account.id), "changed": ["username", "first_name", "timezone"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "a b c"}, "username"),
        ({"username": None}, "username"),
        ({"username": "ada@home"}, "username"),
        ({"email": "nonsense"}, "email"),
        ({"email": None}, "email"),
        ({"email": "new@example.com"}, "current_password"),
        ({"email": "new@example.com", "current_password": "wrong"}, "current_password"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"language": "not a tag"}, "language"),
        ({"first_name": "a\u0000b"}, "first_name"),
        ({"first_name": "x" * 192}, "first_name"),
        ({"role_id": 1}, "role_id"),
        ({"status": "active"}, "status"),
    ],
)
async def test_wrong_field_is_named_and_nothing_changes(ada: Any, body: dict[str, Any], field: str) -> None:
    before = (await ada.get(ACCOUNT)).data

    answer = await ada.put(ACCOUNT, body)

    assert (answer.status, answer.code, list(answer.body["error"]["details"])) == (422, "validation_error", [field])
    assert (await ada.get(ACCOUNT)).data == before


async def test_name_and_address_of_another_account_are_refused(ada: Any, people: Any) -> None:
    await people.add("Eve")

    name = await ada.put(ACCOUNT, {"username": "EVE"})
    address = await ada.put(ACCOUNT, {"email": "EVE@example.com", "current_password": PASSWORD})

    assert [(answer.status, answer.code) for answer in (name, address)] == [(409, "conflict"), (409, "conflict")]
    assert (await ada.get(ACCOUNT)).data["username"] == "ada"


async def test_of_two_who_want_a_name_at_once_one_gets_it(ada: Any, people: Any) -> None:
    eve = await people.sign_in("eve")

    answers = await asyncio.gather(*(caller.put(ACCOUNT, {"username": "grace"}) for caller in (ada, eve)))

    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_new_address_counts_at_once_and_the_old_one_is_told(ada: Any, mails: Any) -> None:
    answer = await ada.put(ACCOUNT, {"email": "New@Example.com", "current_password": PASSWORD})

    assert (answer.data["email"], answer.data["email_verified_at"]) == ("new@example.com", None)
    assert [(mail.template, mail.to) for mail in await mails()] == [("account.notice", "ada@example.com")]


async def test_new_address_has_to_be_confirmed_where_addresses_are_verified(
    ada: Any, stranger: Any, mails: Any, change_settings: Any
) -> None:
    await change_settings("security", email_verification=True)

    asked = await ada.put(ACCOUNT, {"email": "new@example.com", "current_password": PASSWORD})
    notice, link = await mails()
    confirmed = await stranger.post("/api/v1/auth/verify-email", {"token": link.token})

    assert asked.data["email"] == "ada@example.com"
    assert (notice.to, link.to) == ("ada@example.com", "new@example.com")
    assert confirmed.data == {"verified": True}
    assert (await ada.get(ACCOUNT)).data["email"] == "new@example.com"


async def test_stale_condition_is_refused(ada: Any) -> None:
    tag = (await ada.get(ACCOUNT)).headers["ETag"]

    first = await ada.put(ACCOUNT, {"first_name": "Ada"}, If_Match=tag)
    second = await ada.put(ACCOUNT, {"first_name": "Eve"}, If_Match=tag)

    assert first.status == 200
    assert (second.status, second.code) == (412, "precondition_failed")
    assert (await ada.get(ACCOUNT)).data["first_name"] == "Ada"


async def test_password_change_ends_other_sessions_and_keeps_keys(
    ada: Any, people: Any, stranger: Any, mails: Any
) -> None:
    other = await people.sign_in("ada")
    key = (await ada.post("/api/v1/account/api-keys", {"description": "x"})).data["token"]
    body = {"current_password": PASSWORD, "password": "another password", "password_confirmation": "another password"}

    changed = await ada.put(PASSWORD_PATH, body)

    assert (changed.status, changed.body) == (200, {"data": {"changed": True}})
    assert [(await who.get(ACCOUNT)).status for who in (ada, other, people.program(key))] == [200, 401, 200]
    refreshed = await stranger.post("/api/v1/auth/refresh", {"refresh_token": other.session.secret})
    assert refreshed.status == 401
    signed_in = [
        (await stranger.post("/api/v1/auth/login", {"email": "ada", "password": one})).status
        for one in (PASSWORD, "another password")
    ]
    assert signed_in == [401, 200]
    assert (await mails())[-1].values["title"] == "Your password was changed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"current_password": "wrong", "password": "another password"}, "current_password"),
        ({"current_password": PASSWORD, "password": "short12"}, "password"),
        ({"current_password": PASSWORD, "password": "x" * 1025}, "password"),
        (
            {"current_password": PASSWORD, "password": "another password", "password_confirmation": "else"},
            "password_confirmation",
        ),
        ({"password": "another password"}, "current_password"),
    ],
)
async def test_wrong_password_change_is_refused(ada: Any, body: dict[str, Any], field: str) -> None:
    answer = await ada.put(PASSWORD_PATH, body)

    assert (answer.status, answer.code, list(answer.body["error"]["details"])) == (422, "validation_error", [field])


async def test_password_cannot_be_guessed_through_an_open_session(ada: Any, change_settings: Any) -> None:
    await change_settings("security", max_failed_attempts=3)
    body = {"current_password": "wrong", "password": "another password"}

    answers = [await ada.put(PASSWORD_PATH, body) for _try in range(4)]

    assert [answer.status for answer in answers] == [422, 422, 422, 423]


async def test_activity_shows_what_happened_to_oneself(ada: Any, people: Any) -> None:
    eve = await people.sign_in("eve")
    await ada.put(ACCOUNT, {"first_name": "Ada"})
    await eve.put(ACCOUNT, {"first_name": "Eve"})

    listed = await ada.get(ACTIVITY)

    assert [one["event"] for one in listed.data] == ["user.updated", "user.created"]
    assert listed.data[0] == {
        "id": listed.data[0]["id"],
        "event": "user.updated",
        "actor": {"id": str(ada.account.id), "username": "ada", "type": "user"},
        "subject": {"type": "user", "id": str(ada.account.id)},
        "ip": "198.51.100.1",
        "properties": {"changed": ["first_name"]},
        "created_at": listed.data[0]["created_at"],
    }
    assert [one["event"] for one in (await ada.get(f"{ACTIVITY}?event=user.created")).data] == ["user.created"]


# SSH keys


@pytest.fixture(scope="session")
def public_keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Real keys of several kinds: line and fingerprint as ssh-keygen shows them."""
    folder = tmp_path_factory.mktemp("keys")
    kinds = {"ed25519": [], "ecdsa": [], "rsa": ["-b", "2048"], "weak": ["-b", "1024"]}
    return {kind: _generate(folder / kind, "rsa" if kind == "weak" else kind, more) for kind, more in kinds.items()}


def _generate(path: Path, kind: str, more: list[str]) -> tuple[str, str]:
    command = ["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", "ada@home", "-f", str(path)]
    subprocess.run(command, check=True)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", f"{path}.pub"], check=True, capture_output=True, text=True)
    return Path(f"{path}.pub").read_text().strip(), shown.stdout.split()[1]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_ssh_key_is_added_listed_and_removed(ada: Any, public_keys: dict[str, Any], kind: str) -> None:
    line, fingerprint = public_keys[kind]

    added = await ada.post(SSH, {"name": "laptop", "public_key": line})
    listed = await ada.get(SSH)
    removed = await ada.delete(f"{SSH}/{added.data['id']}")

    assert added.status == 201
    assert added.data == {
        "id": added.data["id"],
        "name": "laptop",
        "fingerprint": fingerprint,
        "public_key": line.removesuffix(" ada@home"),
        "created_at": added.data["created_at"],
    }
    assert listed.data == [added.data]
    assert removed.status == 204
    assert (await ada.get(SSH)).data == []


async def test_same_ssh_key_twice_is_refused(ada: Any, people: Any, public_keys: dict[str, Any]) -> None:
    line, _fingerprint = public_keys["ed25519"]
    eve = await people.sign_in("eve")

    answers = await asyncio.gather(*(ada.post(SSH, {"name": "x", "public_key": line}) for _index in range(3)))
    hers = await eve.post(SSH, {"name": "x", "public_key": line})

    assert sorted(answer.status for answer in answers) == [201, 409, 409]
    assert hers.status == 201


async def test_foreign_ssh_key_does_not_exist(ada: Any, people: Any, public_keys: dict[str, Any]) -> None:
    eve = await people.sign_in("eve")
    added = await ada.post(SSH, {"name": "x", "public_key": public_keys["ed25519"][0]})

    answer = await eve.delete(f"{SSH}/{added.data['id']}")

    assert (answer.status, await SshKeyRow.all().count()) == (404, 1)


@pytest.mark.parametrize("line", ["", "x", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAA\nssh-rsa BBBB", "weak"])
async def test_bad_ssh_key_is_refused(ada: Any, public_keys: dict[str, Any], line: str) -> None:
    sent = public_keys["weak"][0] if line == "weak" else line

    answer = await ada.post(SSH, {"name": "x", "public_key": sent})

    assert (answer.status, list(answer.body["error"]["details"])) == (422, ["public_key"])
