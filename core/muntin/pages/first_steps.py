"""How far the first set-up of the panel got: a number of steps, kept so that it can be gone on with."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor, guarded
from muntin.accounts.models import AccountRow
from muntin.plugins.models import VersionRow

NAME = "setup"
STEPS = ("administrator", "address", "node", "more")
FINISHED = 100


@guarded("admin.settings.general")
async def load_progress(actor: Actor) -> int:
    """How many steps are behind; `FINISHED` or more when there is nothing left to do."""
    return await _number()


@guarded("admin.settings.general")
async def save_progress(actor: Actor, steps: int) -> None:
    """Remember that so many steps are behind; it never goes back."""
    if steps > await _number():
        await VersionRow.update_or_create(name=NAME, defaults={"number": steps})


async def are_due_for(account_id: UUID) -> bool:
    """Whether somebody who just signed in is one who sets the panel up, and it is not set up yet."""
    if await _number() >= FINISHED:
        return False
    account = await AccountRow.get(id=account_id).select_related("role")
    return account.role.grants.allow("admin.settings.general")


async def _number() -> int:
    row = await VersionRow.get_or_none(name=NAME)
    return row.number if row else 0
