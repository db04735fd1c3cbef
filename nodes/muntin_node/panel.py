"""Calls from the node to its panel: `<remote>/api/remote/...`, as Wings makes them."""

from __future__ import annotations

import asyncio
import json as json_text
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from muntin_node.config import NodeConfig
from muntin_node.config_store import ConfigStore
from muntin_node.errors import PanelRefused, PanelUnreachable
from muntin_node.http_client import httpx
from muntin_node.version import agent_version

log = logging.getLogger(__name__)

BASE_PATH = "/api/remote"
FIXED_HEADERS = frozenset({"authorization", "user-agent", "accept", "content-type"})
MAX_LOGGED_BODY = 4_096
TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait between attempts; all in seconds."""

    first_s: float = 0.5
    factor: float = 1.5
    jitter: float = 0.5  # each wait is multiplied by 1 ± jitter
    longest_s: float = 12.0
    total_s: float = 30.0  # no further attempt starts after this

    def wait_s(self, attempt: int) -> float:
        """The wait after the given attempt, counted from 0."""
        wait_s = min(self.longest_s, self.first_s * self.factor**attempt)
        return wait_s * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 - spreads load, no secret


class PanelClient:
    """JSON over HTTP with the node's credentials as they are at each attempt, so a rotation is picked up at once.

    Network errors, 429 and every status but 2xx and 4xx are tried again for 30 s in total: a POST can arrive twice.
    """

    def __init__(
        self, store: ConfigStore, *, backoff: Backoff | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._http: httpx.AsyncClient | None = None

    async def get(self, path: str, *, params: Mapping[str, str] | None = None, timeout_s: float | None = None) -> Any:
        """Ask; answers the decoded JSON, None for an empty answer.

        Args:
            path: Below `/api/remote`, e.g. `/servers`.
            timeout_s: Per attempt; the configured 30 s if left out.

        Raises:
            PanelUnreachable: No usable answer within 30 s of attempts.
            PanelRefused: 4xx but 429, not tried again.
        """
        return await self._call("GET", path, params=params, timeout_s=timeout_s)

    async def post(self, path: str, *, json: object = None, timeout_s: float | None = None) -> Any:
        """Tell; as `get`. `json=None` sends a body of `null`, as Wings does."""
        return await self._call("POST", path, content=json_text.dumps(json), timeout_s=timeout_s)

    async def close(self) -> None:
        """Close the connections that are kept open."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _call(self, method: str, path: str, *, timeout_s: float | None, **content: Any) -> Any:
        started_s = self._clock()
        attempt = 0
        while True:
            reason, answer = await self._attempt(method, path, timeout_s, content)
            if answer is not None and answer.is_success:
                return _decoded(answer)
            if answer is not None and answer.is_client_error and answer.status_code != TOO_MANY_REQUESTS:
                raise PanelRefused(answer.status_code, answer.text[:MAX_LOGGED_BODY])
            wait_s = self._backoff.wait_s(attempt)
            if self._clock() - started_s + wait_s > self._backoff.total_s:
                raise PanelUnreachable(f"The panel did not answer {method} {path}: {reason}.")
            log.info("panel call %s %s failed (%s), next attempt in %.1f s", method, path, reason, wait_s)
            await asyncio.sleep(wait_s)
            attempt += 1

    async def _attempt(
        self, method: str, path: str, timeout_s: float | None, content: dict[str, Any]
    ) -> tuple[str, httpx.Response | None]:
        config = self._store.current
        url = f"{config.remote}{BASE_PATH}{path}"
        try:
            answer = await self._client(config).request(
                method, url, headers=panel_headers(config), timeout=timeout_s or config.remote_query.timeout, **content
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            return type(error).__name__, None
        return f"status {answer.status_code}", answer

    def _client(self, config: NodeConfig) -> httpx.AsyncClient:
        if self._http is None:
            # The certificate store costs megabytes: not loaded for a panel on plain http (one machine).
            self._http = httpx.AsyncClient(verify=config.remote.startswith("https:"))
        return self._http


def panel_headers(config: NodeConfig) -> dict[str, str]:
    """What every call carries; custom headers never replace the fixed ones."""
    custom = config.remote_query.custom_headers
    return {name: value for name, value in custom.items() if name.lower() not in FIXED_HEADERS} | {
        "Authorization": f"Bearer {config.panel_bearer}",
        "User-Agent": f"Pterodactyl Wings/v{agent_version()} (id:{config.token_id})",
        "Accept": "application/vnd.pterodactyl.v1+json",
        "Content-Type": "application/json",
    }


def _decoded(answer: httpx.Response) -> Any:
    if not answer.content.strip():
        return None
    try:
        return answer.json()
    except ValueError:
        raise PanelUnreachable("The panel answered something that is not JSON.") from None
