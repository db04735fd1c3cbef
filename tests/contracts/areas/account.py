"""`/account`: oneself, one's password, sessions, SSH keys and what one did."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from muntin.testing.callers import PASSWORD

from ..rows import Row, Values
from ..things import a_user
from ..world import World

SSH, SESSIONS = "/account/ssh-keys", "/account/sessions"
NEW = {"current_password": PASSWORD, "password": "another password"}


def public_key() -> str:
    """A new one, as OpenSSH writes it."""
    made = Ed25519PrivateKey.generate().public_key()
    return made.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


async def a_key_line(world: World) -> Values:
    """Somebody with an SSH key that is not added yet: `line`."""
    return {"by": await world.somebody(), "line": public_key()}


async def an_ssh_key(world: World) -> Values:
    """Somebody who has added an SSH key: `key-id` and `line`."""
    it = await a_key_line(world)
    added = await it["by"].post("/api/v1/account/ssh-keys", {"name": "laptop", "public_key": it["line"]})
    return {**it, "key-id": added.data["id"]}


async def another_session(world: World) -> Values:
    """Somebody with two sessions: `session-id` is that of the other one."""
    by = await world.somebody()
    assert by.account is not None
    other = await world.people.sign_in(by.account.username)
    assert other.session is not None
    return {"by": by, "session-id": other.session.id}


async def a_taken_name(world: World) -> Values:
    """Somebody, and the name of another account."""
    taken = await world.people.add(f"taken{world.number()}")
    return {"by": await world.somebody(), "username": taken.username}


ROWS = [
    Row("GET /account", 200, given=a_user),
    Row("PUT /account", 200, body={"first_name": "Grace", "timezone": "Europe/Vienna"}, given=a_user),
    Row("PUT /account", 409, "conflict", lambda it: {"username": it["username"]}, a_taken_name),
    Row("PUT /account/password", 200, body=NEW, given=a_user),
    Row("GET /account/activity", 200, given=a_user),
    Row(f"GET {SESSIONS}", 200, given=another_session),
    Row(f"DELETE {SESSIONS}", 204, given=another_session),
    Row(f"DELETE {SESSIONS}/{{session-id}}", 204, given=another_session),
    Row(f"GET {SSH}", 200, given=an_ssh_key),
    Row(f"POST {SSH}", 201, body=lambda it: {"name": "laptop", "public_key": it["line"]}, given=a_key_line),
    Row(f"POST {SSH}", 409, "conflict", lambda it: {"name": "desk", "public_key": it["line"]}, an_ssh_key),
    Row(f"DELETE {SSH}/{{key-id}}", 204, given=an_ssh_key),
    Row("GET /permissions", 200, given=a_user),
]
