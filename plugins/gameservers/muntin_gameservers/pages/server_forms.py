"""Labels and choices of the forms in which administrators make and change servers."""

from __future__ import annotations

from uuid import UUID

from muntin.accounts.models import AccountRow
from muntin.nodes.models import NodeRow
from muntin.pages import forms
from muntin.translation import _
from muntin_gameservers.models import AllocationRow, EggRow

MOST_CHOICES = 500

LABELS: dict[str, forms.Field] = {
    "name": {"label": _("Name")},
    "description": {"label": _("Description"), "kind": "textarea", "rows": 2},
    "user_id": {"label": _("Owner"), "required": True},
    "external_id": {"label": _("External id"), "help": _("Of a billing system, for example.")},
    "egg_id": {"label": _("Game"), "help": _("The egg says how it is installed and run.")},
    "image": {"label": _("Image")},
    "startup": {"label": _("Start command"), "kind": "textarea", "rows": 3},
    "node_id": {"label": _("Node")},
    "allocation_id": {"label": _("Port")},
    "memory": {"label": _("Memory"), "required": True, "unit": _("MiB"), "help": _("At least 128; 0 means no limit.")},
    "disk": {"label": _("Disk"), "required": True, "unit": _("MiB"), "help": _("0 means no limit.")},
    "cpu": {"label": _("CPU"), "required": True, "unit": "%", "help": _("100 is one core; 0 means no limit.")},
    "swap": {
        "label": _("Swap"),
        "required": True,
        "unit": _("MiB"),
        "min": -1,
        "help": _("0 means none, -1 no limit."),
    },
    "io": {"label": _("Disk weight"), "min": 10, "max": 1000, "help": _("From 10 to 1000.")},
    "allocations_limit": {"label": _("Ports"), "required": True, "help": _("At most this many.")},
    "databases_limit": {"label": _("Databases"), "required": True, "help": _("At most this many.")},
    "backups_limit": {"label": _("Backups"), "required": True, "help": _("At most this many.")},
    "start_on_completion": {"label": _("Start it when it is installed")},
    "skip_install": {"label": _("Skip the install script"), "help": _("The files are already there.")},
}


async def owner_field() -> forms.Field:
    """Accounts to choose from; where there are very many, the identifier is typed."""
    rows = await AccountRow.all().order_by("username").limit(MOST_CHOICES + 1)
    if len(rows) > MOST_CHOICES:
        return {"help": _("The identifier of an account.")}
    return {"kind": "select", "options": [(str(row.id), f"{row.username} ({row.email})") for row in rows]}


async def egg_field() -> forms.Field:
    """Eggs to choose from, by nest."""
    rows = await EggRow.all().select_related("nest").order_by("nest__name", "name")
    options = [(str(row.id), f"{row.nest.name}: {row.name}") for row in rows]
    return {"kind": "select", "options": options, "placeholder": _("Choose a game")}


async def node_field() -> forms.Field:
    """Nodes to choose from, with how many of their ports are free."""
    rows = await NodeRow.all().order_by("name")
    return {
        "kind": "select",
        "options": [(str(row.id), row.name) for row in rows],
        "placeholder": _("The emptiest one with room"),
    }


async def port_field(node_id: UUID | None, value: str = "") -> forms.Field:
    """Free ports of a node to choose from; without a node there is nothing to choose."""
    if node_id is None:
        return {"kind": "select", "options": [], "disabled": True, "placeholder": _("The first free one")}
    rows = await AllocationRow.filter(node_id=node_id, server_id=None).order_by("ip", "port").limit(MOST_CHOICES)
    return {
        "kind": "select",
        "options": [(str(row.id), f"{row.ip}:{row.port}") for row in rows],
        "placeholder": _("The first free one") if rows else _("This node has no free port"),
        "value": value,
    }
