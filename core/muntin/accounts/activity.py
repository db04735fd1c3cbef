"""What happened to one's own account."""

from __future__ import annotations

from muntin.access import Actor, guarded
from muntin.accounts.own import own_account
from muntin.audit import Activity
from muntin.audit.service import AuditQuery, list_audit_logs
from muntin.schemas import Page


@guarded("account.read")
async def list_activity(actor: Actor, query: AuditQuery) -> Page[Activity]:
    """What the actor's account did and what was done to it, newest first; `user_id` of the query does not count."""
    account = await own_account(actor)
    return await list_audit_logs(Actor.system(), query.model_copy(update={"user_id": account.id}))
