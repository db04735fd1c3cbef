"""`/api/v1/admin/audit-logs`."""

from __future__ import annotations

from muntin.access import Actor
from muntin.audit import service
from muntin.audit.service import Activity, AuditQuery
from muntin.routing import Routes
from muntin.schemas import Page

routes = Routes(dialect="native", prefix="/api/v1/admin/audit-logs", tags=("audit",))


@routes.get("", query=AuditQuery, returns=Page[Activity], service=service.list_audit_logs)
async def list_audit_logs(actor: Actor, query: AuditQuery) -> Page[Activity]:
    """The audit log."""
    return await service.list_audit_logs(actor, query)
