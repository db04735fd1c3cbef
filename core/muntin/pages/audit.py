"""The audit log."""

from __future__ import annotations

from muntin.access import Actor
from muntin.api.json import dumps
from muntin.audit import by_whom, known_words, sentence
from muntin.audit.service import AuditQuery, list_audit_logs
from muntin.call import Call
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page
from muntin.pages.rows import row
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/audit", tags=("admin",))
FAMILIES = ("user", "session", "api_key", "ssh_key", "role", "node", "plugin", "settings", "job", "mail", "server")


@routes.get("", query=AuditQuery, service=list_audit_logs)
async def show_audit(actor: Actor, call: Call, query: AuditQuery) -> Page:
    """Who changed what, from where."""
    page = await list_audit_logs(actor, query)
    words = known_words()
    rows = [
        row(
            one,
            words=sentence(one, words),
            by=by_whom(one),
            told=dumps(one.properties).decode() if one.properties else "",
        )
        for one in page.items
    ]
    families = [(f"{name}.*", name.replace("_", " ").capitalize()) for name in FAMILIES]
    values = {"rows": rows, "view": view(call, page, sort="-created_at"), "families": families}
    return admin_page("audit/list", _("Audit log"), values)
