"""Requests per second of an address: by wrk where it is installed, else by a small client of our own."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from urllib.parse import urlsplit

CONNECTIONS = 32
BURST_S = 1.0

WRK = shutil.which("wrk")
CLIENT = "wrk" if WRK else "an asyncio client"


class Refused(Exception):
    """Some answers were not 200; the figure would mean nothing."""


async def requests_per_second(url: str, headers: dict[str, str], *, seconds: float = BURST_S) -> float:
    """Ask over `CONNECTIONS` kept-alive connections for a while.

    Raises:
        Refused: An answer was not 200.
    """
    return await (_with_wrk if WRK else _with_sockets)(url, headers, seconds)


async def _with_wrk(url: str, headers: dict[str, str], seconds: float) -> float:
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    whole_s = max(1, round(seconds))  # wrk takes whole seconds
    arguments = ("-t1", f"-c{CONNECTIONS}", f"-d{whole_s}s", "--timeout", "10s", *given, url)
    process = await asyncio.create_subprocess_exec(str(WRK), *arguments, stdout=asyncio.subprocess.PIPE)
    said = (await process.communicate())[0].decode()
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None or "Non-2xx" in said or "Socket errors" in said:
        raise Refused(said)
    return float(found.group(1))


async def _with_sockets(url: str, headers: dict[str, str], seconds: float) -> float:
    parts = urlsplit(url)
    lines = [f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    started = time.monotonic()
    work = [_ask_until(parts.hostname or "", parts.port or 80, request, started + seconds) for _ in range(CONNECTIONS)]
    answered = sum(await asyncio.gather(*work))
    return answered / (time.monotonic() - started)


async def _ask_until(host: str, port: int, request: bytes, end: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    answered = 0
    try:
        while time.monotonic() < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise Refused(head.decode("latin-1"))
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            await reader.readexactly(int(length.group(1)) if length else 0)
            answered += 1
    finally:
        writer.close()
    return answered
