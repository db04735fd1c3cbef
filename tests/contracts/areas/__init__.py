"""The tables: for each area of the native API, one line per answer that the contract lists for it alone.

What it lists for all kinds of routes (nobody signed in, no permission, nothing there, ...) is asked without a line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..rows import Row
from . import account, admin_servers, api_keys, auth, eggs, nodes, roles, servers, system, two_factor, users

AREAS: Mapping[str, Sequence[Row]] = {
    "auth": auth.ROWS,
    "account": account.ROWS,
    "two-factor": two_factor.ROWS,
    "api-keys": api_keys.ROWS,
    "users": users.ROWS,
    "roles": roles.ROWS,
    "nodes": nodes.ROWS,
    "eggs": eggs.ROWS,
    "servers": servers.ROWS,
    "admin-servers": admin_servers.ROWS,
    "system": system.ROWS,
}
