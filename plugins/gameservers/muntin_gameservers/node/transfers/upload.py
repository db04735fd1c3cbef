"""The call that carries an archive to the other node."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from muntin_gameservers.node.transfers.errors import TransferFailed
from muntin_node.http_client import httpx

CONNECT_TIMEOUT_S = 15.0
STALL_TIMEOUT_S = 120.0  # the other node writes slowly, or not at all
ANSWER_TIMEOUT_S = 900.0  # it checks, gives the files to their owner and asks the panel before it answers
SHOWN_CHARS = 500
SIZE_HEADER = "X-Muntin-Transfer-Bytes"
FIELDS = ("checksum", "checksum_archive")  # Pterodactyl's name and Pelican's


class Connection(Protocol):
    """What httpx's transport tells of a connection."""

    def get_extra_info(self, info: str) -> Any:
        """`is_readable`: whether something lies there unread."""


class Upload:
    """One upload.

    Args:
        next_chunk: The archive bit by bit, empty at its end.
        checksum: Asked when the archive has been sent.
        size_bytes: Of the files in it, so that the other node can say no before it has to write.
    """

    def __init__(
        self, next_chunk: Callable[[], Awaitable[bytes]], checksum: Callable[[], str], *, size_bytes: int
    ) -> None:
        self._next_chunk = next_chunk
        self._checksum = checksum
        self._size_bytes = size_bytes
        self._boundary = secrets.token_hex(24)
        self._connection: Connection | None = None

    async def send(self, url: str, token: str) -> None:
        """Send it; when this returns the other node has the server and the panel knows.

        Args:
            token: The whole header value, `Bearer` and the JWT.

        Raises:
            TransferFailed: Any other answer, or none.
        """
        headers = {
            "Authorization": token,
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            SIZE_HEADER: str(self._size_bytes),
        }
        timeout = httpx.Timeout(STALL_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, read=ANSWER_TIMEOUT_S)
        try:
            async with httpx.AsyncClient(verify=url.startswith("https:"), timeout=timeout) as client:
                extensions = {"trace": self._watch}
                answer = await client.post(url, headers=headers, content=self._body(), extensions=extensions)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransferFailed(f"The other node could not be reached: {error or type(error).__name__}.") from error
        if answer.status_code != HTTPStatus.OK:
            raise TransferFailed(f"The other node refused with status {answer.status_code}: {_reason(answer)}")

    async def _body(self) -> AsyncIterator[bytes]:
        yield self._part('name="archive"; filename="archive.tar.gz"', "Content-Type: application/gzip\r\n")
        while chunk := await self._next_chunk():
            if self._is_answered:
                return  # it refuses: what is still to be sent is of no use, and would keep us from reading why
            yield chunk
        for name in FIELDS:
            yield b"\r\n" + self._part(f'name="{name}"') + self._checksum().encode()
        yield f"\r\n--{self._boundary}--\r\n".encode()

    async def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep the connection, to look whether an answer lies there. Under TLS other things can lie there as well."""
        if event == "connection.connect_tcp.complete":
            self._connection = info["return_value"]
        elif event == "connection.start_tls.started":
            self._connection = None

    @property
    def _is_answered(self) -> bool:
        return self._connection is not None and bool(self._connection.get_extra_info("is_readable"))

    def _part(self, disposition: str, more: str = "") -> bytes:
        return f"--{self._boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n".encode()


def _reason(answer: httpx.Response) -> str:
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return "it did not say why"
    return str(error)[:SHOWN_CHARS]
