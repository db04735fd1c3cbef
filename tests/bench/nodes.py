"""Nodes and servers that a bench's panel talks to."""

from __future__ import annotations

from uuid import UUID

from tests.bench.seeding import add_servers, lift_limits, store_of

from muntin.testing.served import ServedPanel


async def server_on_peer(panel: ServedPanel, port: int) -> UUID:
    """A server of the administrator's, on a node that listens on that port."""
    node = {"name": "peer", "fqdn": "127.0.0.1", "scheme": "http", "daemon_port": port, "memory": 65536, "disk": 65536}
    made = (await panel.client.post("/api/v1/admin/nodes", json=node)).raise_for_status().json()["data"]
    owner = (await panel.client.get("/api/v1/account")).json()["data"]
    async with store_of(panel):
        await lift_limits()
        [server_id] = await add_servers(UUID(owner["id"]), UUID(made.get("node", made)["id"]), 1)
    key = await panel.client.post("/api/v1/account/api-keys", json={"description": "bench"})
    panel.client.headers["Authorization"] = f"Bearer {key.raise_for_status().json()['data']['token']}"
    return server_id
