"""Callers and targets that every attack of the core needs."""

from __future__ import annotations

import pytest

from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.testing.callers import Caller, People


@pytest.fixture(scope="module")
async def tireless(panel: Panel, people: People) -> Caller:
    """An administrator who may ask as often as a generator does."""
    await RoleRow.filter(id=ADMIN_ID).update(rate_limit_multiplier=1000)
    return await people.sign_in("tireless", role_id=ADMIN_ID)


@pytest.fixture(scope="module")
async def things(people: People, tireless: Caller) -> dict[str, object]:
    """Path value -> id of something that exists and may be changed."""
    node = await NodeRow.create(
        name="thing", fqdn="t.test", memory_mib=1, disk_mib=1, token_id="u" * 16, token=seal("t")
    )
    account = await people.add("thing")
    role = await RoleRow.create(name="thing", slug="thing", permissions=[])
    key = await tireless.post("/api/v1/account/api-keys", {"description": "thing"})
    assert tireless.session is not None
    return {
        "node_id": node.id,
        "account_id": account.id,
        "user_id": account.id,
        "role_id": role.id,
        "key_id": key.data["id"],
        "session_id": tireless.session.id,
    }
