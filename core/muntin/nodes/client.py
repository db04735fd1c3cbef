"""Calls from the panel to a node: straight, with a deadline, never inside a transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from muntin.errors import NodeRefused, NodeTimeout, NodeUnreachable
from muntin.nodes.credentials import token_of
from muntin.nodes.models import NodeRow
from muntin.translation import _

CONNECT_S = 5.0
TOTAL_S = 15.0

_client: httpx.AsyncClient | None = None


class NodeSaidNo(NodeRefused):
    """The node answered with an error status.

    Attributes:
        node_status: The HTTP status of the node's answer.
    """

    def __init__(self, node_status: int, reason: str) -> None:
        super().__init__(_("The node refused: {reason}", reason=reason), node_status=node_status)
        self.node_status = node_status


async def call_node(node: NodeRow, method: str, path: str, *, json: object = None, timeout_s: float = TOTAL_S) -> Any:
    """Ask a node and answer what it said, as JSON; `None` for an empty answer.

    Raises:
        NodeUnreachable: Nobody answered.
        NodeTimeout: It took longer than `timeout_s`.
        NodeSaidNo: It answered with an error, or with something that is not JSON.
    """
    timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
    headers = {"Authorization": f"Bearer {token_of(node)}", "Accept": "application/json"}
    try:
        response = await _http().request(method, node.base_url + path, json=json, headers=headers, timeout=timeout)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NodeUnreachable(node=node.name) from error
    except httpx.TimeoutException as error:
        raise NodeTimeout(node=node.name) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NodeUnreachable(node=node.name) from error
    if response.status_code >= 400:
        raise NodeSaidNo(response.status_code, _reason(response))
    try:
        return response.json() if response.content else None
    except ValueError as error:  # not JSON, or not even UTF-8
        raise NodeSaidNo(response.status_code, _("its answer is not JSON")) from error


@asynccontextmanager
async def node_socket(node: NodeRow, path: str) -> AsyncIterator[ClientConnection]:
    """A websocket to a node, with the node's bearer token; for what streams, such as a console.

    Raises:
        NodeUnreachable: Nobody answered, or not with a websocket.
    """
    address = node.base_url.replace("http", "ws", 1) + path
    headers = {"Authorization": f"Bearer {token_of(node)}"}
    try:
        connection = await connect(address, additional_headers=headers, open_timeout=CONNECT_S, proxy=None)
    except (OSError, TimeoutError, WebSocketException) as error:
        raise NodeUnreachable(node=node.name) from error
    async with connection:
        yield connection


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"


def _http() -> httpx.AsyncClient:
    """One client for all nodes, so that connections are kept alive."""
    global _client
    if _client is None or _client.is_closed:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        _client = httpx.AsyncClient(limits=limits, trust_env=False)
    return _client


async def close_client() -> None:
    """Close the kept connections."""
    global _client
    if _client is not None:
        await _client.aclose()
        _client = None
