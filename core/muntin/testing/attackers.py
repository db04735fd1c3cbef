"""The callers that `muntin.testing.attacks` sends its requests as."""

from __future__ import annotations

from muntin.access import Grants
from muntin.accounts.models import AccountRow
from muntin.encryption import encrypt
from muntin.roles.models import MODERATOR_ID, USER_ID, RoleRow
from muntin.testing.callers import PASSWORD, Caller, People

NARROW = "account.ssh-keys"
"""The only permission of the key that lacks every other scope."""


async def make_attackers(people: People, admin: Caller) -> dict[str, Caller]:
    """One caller of each kind that `attacks.REFUSED` names."""
    holder = await people.sign_in("keyholder")
    key = await holder.post("/api/v1/account/api-keys", {"description": "narrow", "permissions": [NARROW]})
    wanted = {"name": "attacker", "fqdn": "a.test", "memory": 1, "disk": 1}
    node = (await admin.post("/api/v1/admin/nodes", wanted)).data
    suspended = await people.sign_in("suspended")
    await admin.put(f"/api/v1/admin/users/{suspended.account_id}", {"status": "suspended"})
    half = await _half_signed_in(people)
    return {
        "stranger": people.stranger("192.0.2.1"),
        "half signed in": people.bearer(half, "192.0.2.2"),
        "suspended": suspended,
        "key without scope": people.bearer(key.data["token"], "192.0.2.3"),
        "node": people.bearer(f"{node['daemon_token_id']}.{node['daemon_token']}", "192.0.2.4"),
        "other account": await people.sign_in("other", role_id=USER_ID),
        "moderator": await people.sign_in("moderator", role_id=MODERATOR_ID),
    }


async def _half_signed_in(people: People) -> str:
    """The challenge token of somebody whose password was accepted and whose second factor is still due."""
    row = await people.add("halfway")
    await AccountRow.filter(id=row.id).update(two_factor_secret=encrypt("JBSWY3DPEHPK3PXP", "core_account"))
    answer = await people.stranger("192.0.2.9").post(
        "/api/v1/auth/login", {"email": "halfway@example.com", "password": PASSWORD}
    )
    return str(answer.data["challenge_token"])


async def grants_held() -> dict[str, Grants]:
    """What the callers that are somebody may rightly do by their role or scope."""
    return {
        "moderator": (await RoleRow.get(id=MODERATOR_ID)).grants,
        "other account": (await RoleRow.get(id=USER_ID)).grants,
        "key without scope": Grants((NARROW,)),
    }
