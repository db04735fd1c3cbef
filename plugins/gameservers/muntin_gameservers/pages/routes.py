"""All pages of game servers."""

from __future__ import annotations

from muntin.routing import Route
from muntin_gameservers.pages import (
    admin_egg,
    admin_egg_import,
    admin_egg_variables,
    admin_eggs,
    admin_new_egg,
    admin_new_server,
    admin_ports,
    admin_server,
    admin_servers,
    admin_transfer,
    own_servers,
    server_console,
    server_network,
    server_settings,
    server_startup,
)

MODULES = (
    own_servers,
    server_console,
    server_startup,
    server_network,
    server_settings,
    admin_servers,
    admin_new_server,
    admin_server,
    admin_transfer,
    admin_eggs,
    admin_new_egg,
    admin_egg_import,
    admin_egg,
    admin_egg_variables,
    admin_ports,
)

routes: tuple[Route, ...] = tuple(route for module in MODULES for route in module.routes)
