"""What operators have, for the pictures of the tour: many servers in every state, and webhooks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from plugins.webhooks.tests.receiving import Received, Said, receiving

from muntin.testing.waiting import until

from .wings_peer import WingsPeer, wings_peer
from .world import World

LONG = "The Grand Ancient Kingdom of the Northern Survival Isles - Season Twelve"
PASSWORD = "a long enough password"
ACCOUNTS = ("ada", "grace.hopper", "an-administrator-with-a-rather-long-name")
CRASH = {"code": 137, "oom": True, "at": "2026-01-02T03:04:05Z", "reason": "It used more memory than it may."}
SWITCHED_OFF = "Nothing got through for 72 hours."
WEBHOOKS_DOWN = "a receiver that is down more often than not, with a long name"


async def fill(world: World) -> dict[str, str]:
    """Make it all; answers the ids that addresses of pages hold."""
    await _places(world)
    accounts = await _accounts(world)
    names = [LONG, *(f"{word} {number}" for number in range(1, 9) for word in ("survival", "creative", "skyblock"))]
    servers = [await world.add_server(name, memory=512, disk=1024) for name in names]
    await world.add_server("only one", memory=2048, disk=4096, user_id=accounts["grace.hopper"])
    for server_id in servers:
        await world.wait_for(server_id, "offline")
    for server_id in servers[:4]:
        await world.ask("POST", f"/servers/{server_id}/power", {"action": "start"})
    await world.ask("POST", f"/admin/servers/{servers[-1]}/suspend", {"reason": "Invoice 2026-117 is open."})
    own = f"/servers/{world.server_id}"
    return {"own": own, "server": world.server_id, "egg": world.egg_id, "node": world.node_id, "nest": world.nest_id,
            "account": accounts["ada"], "suspended": servers[-1], "long": servers[0], "away": await _away(world),
            "crashed": await _crashed(world, servers[2]), "failed": await _failed_install(world),
            "installing": await _installing(world), "reinstalling": await _reinstalling(world, servers[-2]),
            **await _moves(world, servers[4], servers[5]), **await _webhooks(world)}  # fmt: skip


async def _places(world: World) -> None:
    for number in range(2, 5):
        name, host = f"falkenstein-rack-{number}", f"node{number}.falkenstein.example.org"
        place = {"fqdn": host, "scheme": "https", "memory": 65536, "disk": 500_000, "location": "Falkenstein"}
        await world.ask("POST", "/admin/nodes", {"name": name, **place})
    ports = {"ip": "127.0.0.1", "ports": ["25581-25620"], "alias": "play.example.org"}
    await world.ask("POST", f"/admin/nodes/{world.node_id}/allocations", ports)


async def _accounts(world: World) -> dict[str, str]:
    made = {}
    for name in ACCOUNTS:
        values = {"email": f"{name}@mail.example.org", "username": name, "password": PASSWORD, "last_name": "Lovelace"}
        made[name] = (await world.ask("POST", "/admin/users", values))["id"]
    return made


async def _away(world: World) -> str:
    """A server that runs on a node which then went away."""
    place = {"fqdn": "127.0.0.1", "scheme": "http", "memory": 8192, "disk": 50_000}
    async with wings_peer() as peer:
        node = await world.ask("POST", "/admin/nodes", {"name": "basement", **place, "daemon_port": peer.port})
        peer.panel_url, peer.bearer = world.panel.url, f"{node['daemon_token_id']}.{node['daemon_token']}"
        await world.ask("POST", f"/admin/nodes/{node['id']}/allocations", {"ip": "127.0.0.1", "ports": ["30000"]})
        server_id = await world.add_server("server in the basement", node_id=node["id"])
        await world.wait_for(server_id, "offline")
        await world.ask("POST", f"/servers/{server_id}/power", {"action": "start"})
        await world.wait_for(server_id, "running")
        await until(lambda: _is_online(world, node["id"]))
    return server_id


async def _is_online(world: World, node_id: str) -> bool:
    return bool((await world.ask("GET", f"/admin/nodes/{node_id}"))["status"] == "online")


async def _crashed(world: World, server_id: str) -> str:
    await world.wait_for(server_id, "running")
    game = world.peer.game(server_id)
    game.state = "offline"
    change = {"previous_state": "running", "new_state": "offline", "last_exit": CRASH}
    await world.peer.report(f"/servers/{server_id}/container/status", {"data": change})
    return server_id


async def _failed_install(world: World) -> str:
    server_id = await _installing(world, "failing install")
    await world.peer.finish_install(world.peer.game(server_id), "The install script ended with exit code 7.")
    return server_id


async def _installing(world: World, name: str = "being installed") -> str:
    world.peer.installs = False
    server_id = await world.add_server(name, memory=512, disk=1024)
    await until(lambda: _is_known(world.peer, server_id))
    return server_id


async def _is_known(peer: WingsPeer, server_id: str) -> bool:
    return server_id in peer.games


async def _reinstalling(world: World, server_id: str) -> str:
    await world.ask("POST", f"/servers/{server_id}/reinstall", {})
    await world.wait_for(server_id, "installing")
    return server_id


async def _moves(world: World, moving: str, stays: str) -> dict[str, str]:
    """A server on its way to another node, which is the same program, and one that could not be moved there."""
    place = {"fqdn": "127.0.0.1", "scheme": "http", "daemon_port": world.peer.port, "memory": 32768, "disk": 200_000}
    node = await world.ask("POST", "/admin/nodes", {"name": "frankfurt-2", "location": "Frankfurt", **place})
    path = f"/admin/nodes/{node['id']}/allocations"
    await world.ask("POST", path, {"ip": "127.0.0.1", "ports": ["25565-25590"], "alias": "eu.example.org"})
    ports = await world.ask("GET", path)
    for server_id, port in zip((moving, stays), ports, strict=False):
        wanted = {"node_id": node["id"], "allocation_id": port["id"]}
        await world.ask("POST", f"/admin/servers/{server_id}/transfer", wanted)
    await until(lambda: _are_sent(world.peer, {moving, stays}))
    reason = {"reason": "There is not enough free space on the node that the server was to be moved to."}
    await world.peer.report(f"/servers/{stays}/transfer/failure", reason)
    return {"moving": moving, "stays": stays, "elsewhere": node["id"]}


async def _are_sent(peer: WingsPeer, servers: set[str]) -> bool:
    return servers <= peer.sent


async def _webhooks(world: World) -> dict[str, str]:
    """Webhooks of the panel and of the administrator, with a day of deliveries."""
    settings = {"outgoing": {"allowed_networks": ["127.0.0.0/8"]}, "webhooks": {"plain_http": True}}
    await world.ask("PUT", "/admin/settings", settings)
    made = []
    async with receiving(_answer) as receiver:
        for path, name, events in (
            ("/admin/webhooks", "Deployments", ["*"]),
            ("/admin/webhooks", WEBHOOKS_DOWN, ["server.*", "account.*"]),
            ("/webhooks", "My servers", ["server.started", "server.stopped"]),
            ("/webhooks", "A bot that is gone", ["server.crashed"]),
        ):
            url = f"{receiver.url}/{'down' if name == WEBHOOKS_DOWN else 'well'}"
            made.append(await world.ask("POST", path, {"name": name, "type": "custom", "url": url, "events": events}))
        for one, path in zip(made[:3], ("/admin/webhooks", "/admin/webhooks", "/webhooks"), strict=True):
            for _number in range(4):
                await world.ask("POST", f"{path}/{one['id']}/test")
        for number in range(12):
            values = {"name": f"renamed {number}"}
            await world.ask("PUT", f"/admin/servers/{world.server_id}", values)
        await world.ask("PUT", f"/admin/servers/{world.server_id}", {"name": "lobby"})
        await until(lambda: _has_received(receiver.received))
    _spread(Path(world.panel.environment["MUNTIN_DATA_DIR"]), off=made[3]["id"])
    rows = await world.ask("GET", f"/admin/webhooks/{made[1]['id']}/deliveries")
    good = await world.ask("GET", f"/admin/webhooks/{made[0]['id']}/deliveries")
    return {"hook": made[0]["id"], "down": made[1]["id"], "my_hook": made[2]["id"], "off_hook": made[3]["id"],
            "failed_delivery": rows[0]["id"], "delivery": good[0]["id"]}  # fmt: skip


def _answer(one: Received) -> Said:
    if one.path.endswith("/down"):
        return Said(503, body=b'{"error": "The database is being repaired. Come back in a while."}')
    return Said(body=b'{"taken": true}')


async def _has_received(received: list[Received]) -> bool:
    return sum(not one.path.endswith("/down") for one in received) >= 15


def _spread(data_dir: Path, *, off: str) -> None:
    """Deliveries of these minutes over the last day, so that charts draw something; one webhook was switched off."""
    with sqlite3.connect(data_dir / "muntin.sqlite3", timeout=20) as database:
        database.execute("UPDATE webhooks_delivery SET created_at_ms = created_at_ms - (number * 7 % 23) * 3600000")
        database.execute(
            "UPDATE webhooks_endpoint SET is_enabled = 0, disabled_reason = ? WHERE id = ?", (SWITCHED_OFF, off)
        )
