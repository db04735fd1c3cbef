"""Calls from the panel to a node: straight, with a deadline, never inside a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from muntin.errors import NodeRefused, NodeTimeout, NodeUnreachable
from muntin.nodes.credentials import token_of
from muntin.nodes.halves import refuse_mismatch
from muntin.nodes.models import NodeRow
from muntin.nodes.tls import tls_of
from muntin.translation import _

CONNECT_S = 5.0
TOTAL_S = 15.0
MAX_ANSWER_BYTES = 1024 * 1024
FACTS_BYTES = 64 * 1024
"""Facts or figures of a machine."""
MAX_REASON = 500
"""Characters of what a node says of a refusal; people read it."""

_clients: dict[str, httpx.AsyncClient] = {}  # by scheme


class NodeSaidNo(NodeRefused):
    """The node answered with an error status.

    Attributes:
        node_status: The HTTP status of the node's answer.
    """

    def __init__(self, node_status: int, reason: str) -> None:
        super().__init__(_("The node refused: {reason}", reason=reason), node_status=node_status)
        self.node_status = node_status


class NodeSaidTooMuch(NodeSaidNo):
    """The node's answer is larger than what is read of it."""

    def __init__(self, node_status: int) -> None:
        super().__init__(node_status, _("its answer is too large"))


async def call_node(
    node: NodeRow,
    method: str,
    path: str,
    *,
    json: object = None,
    timeout_s: float = TOTAL_S,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> Any:
    """Ask a node and answer what it said, as JSON; `None` for an empty answer.

    Args:
        timeout_s: For the whole answer, however slowly it comes.
        max_answer_bytes: What is read of the answer at most; a node may be anybody's machine.

    Raises:
        NodeUnreachable: Nobody answered.
        NodeTimeout: It took longer than `timeout_s`.
        NodeSaidNo: It answered with an error, or with something that is not JSON.
        NodeSaidTooMuch: Its answer is larger than `max_answer_bytes`.
        HalfMismatch: The address belongs to a half of another version than the panel's.
    """
    refuse_mismatch(node, path)
    # Packed answers could unfold to any size, so none are asked for and none are taken.
    headers = {"Authorization": f"Bearer {token_of(node)}", "Accept": "application/json", "Accept-Encoding": "identity"}
    timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
    ask = _http(node).stream(method, node.base_url + path, json=json, headers=headers, timeout=timeout)
    try:
        async with asyncio.timeout(timeout_s), ask as response:
            body = await _read(response, max_answer_bytes)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NodeUnreachable(node=node.name) from error
    except (httpx.TimeoutException, TimeoutError) as error:
        raise NodeTimeout(node=node.name) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NodeUnreachable(node=node.name) from error
    if response.status_code >= 400:
        raise NodeSaidNo(response.status_code, _reason(response.status_code, body))
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError as error:  # not JSON, or not even UTF-8
        raise NodeSaidNo(response.status_code, _("its answer is not JSON")) from error


async def _read(response: httpx.Response, max_bytes: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NodeSaidNo(response.status_code, _("its answer is packed"))
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > max_bytes:
            raise NodeSaidTooMuch(response.status_code)
        chunks.append(chunk)
    return b"".join(chunks)


@asynccontextmanager
async def node_socket(node: NodeRow, path: str) -> AsyncIterator[ClientConnection]:
    """A websocket to a node, with the node's bearer token; for what streams, such as a console.

    Raises:
        NodeUnreachable: Nobody answered, or not with a websocket.
    """
    refuse_mismatch(node, path)
    address = node.base_url.replace("http", "ws", 1) + path
    headers = {"Authorization": f"Bearer {token_of(node)}"}
    try:
        connection = await connect(
            address, additional_headers=headers, open_timeout=CONNECT_S, ssl=tls_of(node), proxy=None
        )
    except (OSError, TimeoutError, WebSocketException) as error:
        raise NodeUnreachable(node=node.name) from error
    async with connection:
        yield connection


def _reason(status: int, body: bytes) -> str:
    try:
        return str(orjson.loads(body)["error"])[:MAX_REASON]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}"


def _http(node: NodeRow) -> httpx.AsyncClient:
    """One client for all nodes with TLS, one for all without, so that connections are kept alive."""
    client = _clients.get(node.scheme)
    if client is None or client.is_closed:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        client = httpx.AsyncClient(limits=limits, trust_env=False, verify=tls_of(node) or False)
        _clients[node.scheme] = client
    return client


async def close_client() -> None:
    """Close the kept connections."""
    while _clients:
        _scheme, client = _clients.popitem()
        await client.aclose()
