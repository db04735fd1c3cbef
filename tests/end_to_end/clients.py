"""Who talks to the running panel: a program over HTTP, a viewer of a console, a player."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

from .programs import EMAIL, PASSWORD, until

GETSTATUS = b"\xff\xff\xff\xffgetstatus"
STATUS_RESPONSE = b"\xff\xff\xff\xffstatusResponse\n"


class Api:
    """A program with an API key of its own: limits are counted per key."""

    def __init__(self, url: str, token: str = "", refresh_token: str = "") -> None:
        self.url = url
        self.token = token
        self._refresh_token = refresh_token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=90, trust_env=False)

    @classmethod
    async def sign_in(cls, url: str) -> Self:
        """As the operator, with e-mail address and password."""
        async with cls(url) as stranger:
            tokens = await stranger.post("/auth/login", {"email": EMAIL, "password": PASSWORD})
        return cls(url, tokens["access_token"], tokens["refresh_token"])

    async def renew(self) -> None:
        """Change the session's tokens for new ones."""
        tokens = await self.post("/auth/refresh", {"refresh_token": self._refresh_token})
        self.token, self._refresh_token = tokens["access_token"], tokens["refresh_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    async def with_own_key(self) -> Self:
        """The same account, with a new key."""
        key = await self.post("/account/api-keys", {"description": "end to end"})
        return type(self)(self.url, key["token"])

    async def close(self) -> None:
        """Let go of the connections."""
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request."""
        return await self.http.request(method, path, json=body)

    async def get(self, path: str) -> Any:
        """What stands under `data`."""
        return _data(await self.ask("GET", path))

    async def post(self, path: str, body: Any = None) -> Any:
        """What stands under `data`."""
        return _data(await self.ask("POST", path, {} if body is None else body))

    async def put(self, path: str, body: Any) -> Any:
        """What stands under `data`."""
        return _data(await self.ask("PUT", path, body))

    async def delete(self, path: str) -> None:
        """Delete something."""
        _data(await self.ask("DELETE", path))

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of a request that is refused."""
        response = await self.ask(method, path, body)
        assert response.status_code >= 400, response.text
        return response.status_code, response.json()["error"]["code"]


def _data(response: httpx.Response) -> Any:
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    return response.json()["data"] if response.content else None


@dataclass
class Console:
    """A viewer of one server's console; keeps every frame."""

    connection: ClientConnection
    frames: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(cls, api: Api, server_id: str) -> AsyncIterator[Self]:
        """Opened with a ticket, as browsers do it."""
        ticket = await api.post(f"/servers/{server_id}/ws-ticket")
        async with connect(ticket["url"], proxy=None) as connection:
            console = cls(connection)
            reading = asyncio.create_task(console._read())
            try:
                yield console
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(self) -> None:
        async for message in self.connection:
            self.frames.append(json.loads(message))

    async def send(self, kind: str, **values: Any) -> None:
        """Send a frame."""
        await self.connection.send(json.dumps({"type": kind, **values}))

    @property
    def states(self) -> list[str]:
        """The states it was told, in order; what it was told twice running counts once."""
        return [state for state, _again in groupby(frame["status"] for frame in self.told("status"))]

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The frames of a kind."""
        return [frame for frame in self.frames if frame["type"] == kind]

    def text(self, kind: str = "console_output") -> str:
        """All that frames of a kind said."""
        return "\n".join(frame["message"] for frame in self.told(kind))

    async def shows(self, text: str, *, kind: str = "console_output", timeout_s: float = 60.0) -> None:
        """Wait for a line."""
        try:
            await until(lambda: text in self.text(kind), timeout_s=timeout_s, what=repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}; shown was:\n{self.text(kind)[-2000:]}") from None


class Player(asyncio.DatagramProtocol):
    """Asks a game over UDP the way its own client does before it joins."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Called by the loop."""
        self.answers.put_nowait(data)

    @classmethod
    async def status(cls, host: str, port: int) -> dict[str, str]:
        """What the game says of itself, empty while it does not answer."""
        loop = asyncio.get_running_loop()
        transport, player = await loop.create_datagram_endpoint(cls, remote_addr=(host, port), family=socket.AF_INET)
        try:
            transport.sendto(GETSTATUS)
            async with asyncio.timeout(1):
                answer = await player.answers.get()
        except TimeoutError:
            return {}
        finally:
            transport.close()
        assert answer.startswith(STATUS_RESPONSE), answer
        words = answer.removeprefix(STATUS_RESPONSE).split(b"\n")[0].decode("latin-1").split("\\")[1:]
        return dict(zip(words[::2], words[1::2], strict=True))
