"""A bare ASGI application on the panel's own server settings: what everything else is compared with.

`python -m tests.bench.bare 127.0.0.1:8099`
"""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop
from hypercorn.asyncio import serve
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from muntin.processes.web import server_config

BODY = b'{"data":{"hello":"world"}}'


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer every request with the same few bytes."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": BODY, "more_body": False})


async def _live(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _serve(bind: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def until_told() -> None:
        await stop.wait()

    await serve(application, server_config(bind), shutdown_trigger=until_told)


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
