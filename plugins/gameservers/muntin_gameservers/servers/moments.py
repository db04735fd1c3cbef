"""What other plugins may object to before it happens to a server."""

from __future__ import annotations

from muntin.contributions import Moment
from muntin.translation import _

MOMENTS = (
    Moment(
        name="server.create",
        description=_(
            "Before a server is made; `name`, `owner_id`, `egg_id`, `memory`, `disk` (MiB), `cpu` (percent)."
        ),
    ),
    Moment(name="server.delete", description=_("Before one is deleted; `server_id`, `name`, `owner_id`, `force`.")),
    Moment(
        name="server.start",
        description=_(
            "Before somebody starts or restarts a server; `server_id`, `name`, `owner_id`, `action` (start, restart)."
        ),
    ),
)
