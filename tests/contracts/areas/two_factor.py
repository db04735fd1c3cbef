"""`/account/two-factor`: setting the second factor up, using it, switching it off."""

from __future__ import annotations

import pyotp

from muntin.testing.callers import PASSWORD

from ..rows import Row, Values
from ..things import a_user
from ..world import World

PATH = "/account/two-factor"


async def a_secret(world: World) -> Values:
    """Somebody who scans the code right now: `secret`."""
    by = await world.somebody()
    answer = await by.post("/api/v1/account/two-factor/setup", {"password": PASSWORD})
    return {"by": by, "secret": answer.data["secret"]}


async def enabled(world: World) -> Values:
    """Somebody who has a second factor: `code` is one of the recovery codes."""
    it = await a_secret(world)
    now = pyotp.TOTP(it["secret"]).now()
    answer = await it["by"].post("/api/v1/account/two-factor/enable", {"code": now})
    return {"by": it["by"], "code": answer.data["backup_codes"][0]}


async def demanded(world: World) -> Values:
    """Somebody who has the second factor that everybody must have."""
    it = await enabled(world)
    await world.set("security", two_factor="all")
    return it


ROWS = [
    Row(f"GET {PATH}", 200, given=enabled),
    Row(f"POST {PATH}/setup", 200, body={"password": PASSWORD}, given=a_user),
    Row(f"POST {PATH}/setup", 409, "conflict", {"password": PASSWORD}, enabled),
    Row(f"POST {PATH}/enable", 200, body=lambda it: {"code": pyotp.TOTP(it["secret"]).now()}, given=a_secret),
    Row(f"POST {PATH}/enable", 422, "invalid_code", {"code": "abc"}, a_secret),
    Row(f"POST {PATH}/disable", 200, body=lambda it: {"password": PASSWORD, "code": it["code"]}, given=enabled),
    Row(f"POST {PATH}/disable", 422, "invalid_code", {"password": PASSWORD, "code": "abc"}, enabled),
    Row(f"POST {PATH}/disable", 403, "two_factor_required",
        lambda it: {"password": PASSWORD, "code": it["code"]}, demanded),
    Row(f"POST {PATH}/backup-codes", 200, body={"password": PASSWORD}, given=enabled),
]  # fmt: skip
