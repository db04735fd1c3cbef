"""Settings, the audit log, health, the description of the API."""

from __future__ import annotations

from ..rows import Row, Values
from ..things import nobody
from ..world import World

SETTINGS = "/admin/settings"


async def no_mail_server(world: World) -> Values:
    """Mails go to where nobody listens."""
    where = {"host": "127.0.0.1", "port": 1, "encryption": "none", "from_address": "panel@example.org"}
    await world.set("mail", driver="smtp", **where)
    return {}


ROWS = [
    Row(f"GET {SETTINGS}", 200),
    Row(f"PUT {SETTINGS}", 200, body={"general": {"name": "muntin"}}),
    Row(f"POST {SETTINGS}/email/test", 200, body={}),
    Row(f"POST {SETTINGS}/email/test", 502, "mail_failed", {}, no_mail_server),
    Row("GET /admin/audit-logs", 200),
    Row("GET /health", 200, given=nobody),
    Row("GET /openapi.json", 200, given=nobody),
]
