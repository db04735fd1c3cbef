"""Game servers on a running panel, and what is left of them on the machine."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import docker
import httpx
import yaml

from muntin.testing.free_ports import free_port
from muntin_gameservers.eggs.catalogue import catalogue

from .clients import Api
from .programs import Program, until

HOST = "127.0.0.2"  # 127.0.0.1 stands for the address of the containers' network, as with Wings
SHELL_GAME = """
trap 'echo caught; exit 0' TERM INT
echo "the game is open on $SERVER_PORT"
while read -r line; do
  case "$line" in
    stop) echo saving; exit 0;;
    "do "*) eval "${line#do }";;
    *) echo "you said $line";;
  esac
done
"""


@dataclass
class Host:
    """A panel that runs game servers with a real engine."""

    program: Program
    engine: docker.APIClient
    session: Api
    api: Api
    node_id: str = ""
    nest_id: str = ""
    owner_id: str = ""
    made: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def on(cls, program: Program, engine: docker.APIClient) -> AsyncIterator[Self]:
        """Start the panel and stop it in the end; given when its node is online."""
        made: list[str] = []
        try:
            await program.start()
            async with await Api.sign_in(program.url) as session:
                host = cls(program, engine, session, await session.with_own_key(), made=made)
                try:
                    await host._look_around()
                    yield host
                finally:
                    await host.api.close()
        finally:
            await program.stop()
            _remove_containers(engine, made)

    async def _look_around(self) -> None:
        self.owner_id = (await self.api.get("/admin/users"))[0]["id"]
        self.node_id = (await until(self._online, timeout_s=60, every_s=0.3, what="the node"))["id"]
        self.nest_id = (await self.api.post("/admin/nests", {"name": "End to end"}))["id"]

    async def _online(self) -> dict[str, Any]:
        nodes = await self.api.get("/admin/nodes")
        return next((node for node in nodes if node["status"] == "online"), {})

    async def fresh_key(self) -> None:
        """Go on with a new API key, so that no test uses up another's requests per minute."""
        await self.session.renew()
        before, self.api = self.api, await self.session.with_own_key()
        await before.close()

    async def import_egg(self, egg: bytes, content_type: str) -> dict[str, Any]:
        """Upload an egg's file."""
        response = await self.api.http.post(
            f"/admin/eggs/import?nest_id={self.nest_id}", content=egg, headers={"Content-Type": content_type}
        )
        assert response.status_code == 201, response.text
        found: dict[str, Any] = response.json()["data"]
        return found

    async def allocate(self, port: int = 0) -> dict[str, Any]:
        """A new address of the node."""
        body = {"ip": HOST, "ports": [port or free_port(HOST)]}
        found: list[dict[str, Any]] = await self.api.post(f"/admin/nodes/{self.node_id}/allocations", body)
        return found[0]

    async def order(self, name: str, egg: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """A new server, as the panel answers it: not installed yet."""
        allocation = more.pop("allocation", None) or await self.allocate()
        wanted = {
            "name": name,
            "user_id": self.owner_id,
            "egg_id": egg["id"],
            "allocation_id": allocation["id"],
            "memory": 256,
            "cpu": 100,
            "disk": 1024,
            **more,
        }
        server: dict[str, Any] = await self.api.post("/admin/servers", wanted)
        self.made.append(server["id"])
        return server

    async def create(self, name: str, egg: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """A new server that is installed."""
        server = await self.order(name, egg, **more)
        return await self.reaches(server["id"], "offline", timeout_s=60)

    async def running(self, name: str, egg: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """A new server that runs."""
        server = await self.create(name, egg, **more)
        await self.power(server["id"], "start")
        return await self.reaches(server["id"], "running")

    async def power(self, server_id: str, action: str) -> None:
        """Order a power action."""
        await self.api.post(f"/servers/{server_id}/power", {"action": action})

    async def command(self, server_id: str, line: str) -> None:
        """Write a line to the console."""
        await self.api.post(f"/servers/{server_id}/command", {"command": line})

    async def server(self, server_id: str) -> dict[str, Any]:
        """The server as its administrator sees it."""
        found: dict[str, Any] = await self.api.get(f"/admin/servers/{server_id}")
        return found

    async def reaches(self, server_id: str, status: str, *, timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait for a status."""
        seen: list[str] = []

        async def reached() -> dict[str, Any]:
            server = await self.server(server_id)
            if [server["status"]] != seen[-1:]:
                seen.append(server["status"])
            return server if server["status"] == status else {}

        try:
            return await until(reached, timeout_s=timeout_s, every_s=0.3, what=status)
        except AssertionError:
            server = await self.server(server_id)
            lines = (await self.logs(server_id))[-15:]
            raise AssertionError(f"never {status}, but {seen}: {server['problem']!r} {lines}") from None

    async def logs(self, server_id: str) -> list[str]:
        """The end of the console."""
        lines: list[str] = (await self.api.get(f"/servers/{server_id}/logs"))["lines"]
        return lines

    async def says(self, server_id: str, text: str, *, timeout_s: float = 60.0) -> str:
        """Wait for a line of the console, and give it."""

        async def line() -> str:
            return next((one for one in reversed(await self.logs(server_id)) if text in one), "")

        return await until(line, timeout_s=timeout_s, every_s=0.3, what=f"a line with {text!r}")

    def last_exit(self, server_id: str) -> tuple[int, str]:
        """Exit code and reason of the last end, as the panel keeps them."""
        ended = self._stored_exit(server_id)
        assert ended is not None, "it never ended"
        return ended["code"], ended["reason"]

    def has_last_exit(self, server_id: str) -> bool:
        """Whether the server ended, or failed to start, at least once."""
        return self._stored_exit(server_id) is not None

    def _stored_exit(self, server_id: str) -> dict[str, Any] | None:
        with closing(sqlite3.connect(f"file:{self.program.folder / 'muntin.sqlite3'}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT last_exit FROM gameservers_server WHERE id = ?", (server_id,)).fetchone()
        return json.loads(found[0]) if found and found[0] else None

    def started_at(self, server_id: str) -> str:
        """When the server's container was started; empty where there is none that runs."""
        try:
            state = self.engine.inspect_container(server_id)["State"]
        except docker.errors.NotFound:
            return ""
        return str(state["StartedAt"]) if state["Running"] else ""

    def containers(self, server_id: str) -> list[str]:
        """Names of all containers of the server, whatever their state."""
        found = self.engine.containers(all=True, filters={"name": server_id})
        return sorted(name.removeprefix("/") for one in found for name in one["Names"])

    def volume(self, server_id: str) -> Path:
        """Where the server's files are."""
        return self.program.folder / "node" / "volumes" / server_id

    async def owner_of(self, allocation_id: str) -> str | None:
        """The server that has an address; `None` while it is free."""
        allocations = await self.api.get(f"/admin/nodes/{self.node_id}/allocations?per_page=100")
        found: str | None = next(one["server_id"] for one in allocations if one["id"] == allocation_id)
        return found

    async def remains(self, server: Mapping[str, Any]) -> dict[str, Any]:
        """Everything a server can leave behind; `NOTHING` after it was deleted."""
        response: httpx.Response = await self.api.ask("GET", f"/admin/servers/{server['id']}")
        folder = self.program.folder / "node"
        return {
            "status": response.status_code,
            "containers": self.containers(server["id"]),
            "paths": sorted(str(path) for path in folder.rglob(f"*{server['id']}*") if "logs" not in path.parts),
            "allocation": await self.owner_of(server["allocation_id"]),
        }

    async def leaves(self, server: Mapping[str, Any]) -> dict[str, Any]:
        """The same, once the node had a moment to remove the files."""
        for _ in range(30):
            remains = await self.remains(server)
            if remains == NOTHING:
                break
            await asyncio.sleep(0.2)
        return remains


NOTHING = {"status": 404, "containers": [], "paths": [], "allocation": None}


def _remove_containers(engine: docker.APIClient, server_ids: list[str]) -> None:
    """What failing tests left; servers outlive the panel."""
    for server_id in server_ids:
        for name in (server_id, f"{server_id}_installer"):
            try:
                engine.remove_container(name, force=True)
            except docker.errors.APIError:
                continue


def openarena_egg(image: str) -> bytes:
    """Our own egg for OpenArena, with images that are on this machine."""
    egg = next(yaml.safe_load(entry.data) for entry in catalogue() if entry.file_name == "openarena.yaml")
    egg["docker_images"] = {"Local": f"~{image}"}
    egg["scripts"]["installation"]["container"] = f"~{image}"
    return yaml.safe_dump(egg, sort_keys=False).encode()


def shell_egg(name: str, image: str, *, script: str = "", run_image: str = "", install_image: str = "") -> bytes:
    """An egg whose game is a few lines of shell.

    Args:
        script: What else the install does, before the game is there.
    """
    install = f"set -eu\ncd /mnt/server\n{script}\ncat >game.sh <<'END'\n{SHELL_GAME}\nEND\necho game installed\n"
    return json.dumps(
        {
            "meta": {"version": "PTDL_v2", "update_url": None},
            "name": name,
            "author": "tests@muntin.example",
            "description": "",
            "features": [],
            "docker_images": {"Local": f"~{run_image or image}"},
            "file_denylist": [],
            "startup": "sh ./game.sh",
            "config": {
                "files": "{}",
                "startup": json.dumps({"done": "the game is open"}),
                "logs": "{}",
                "stop": "stop",
            },
            "scripts": {
                "installation": {"script": install, "container": f"~{install_image or image}", "entrypoint": "sh"}
            },
            "variables": [],
        }
    ).encode()
