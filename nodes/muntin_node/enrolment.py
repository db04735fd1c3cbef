"""How a machine becomes a node: a one-time token is exchanged for a configuration."""

from __future__ import annotations

from typing import Any

from muntin_node.config import NodeConfig, dump_config, parse_config
from muntin_node.errors import ConfigError, EnrolmentFailed
from muntin_node.http_client import httpx

ENROL_PATH = "/api/node/enrol"
TIMEOUT_S = 30.0


async def enrol(panel_url: str, one_time_token: str, *, base: NodeConfig | None = None) -> NodeConfig:
    """Ask the panel for this node's configuration. The token is spent by it.

    Args:
        panel_url: E.g. `https://panel.example.com`.
        base: Settings that stay where the panel says nothing (folders, Docker, mounts); defaults if left out.

    Raises:
        EnrolmentFailed: Not reachable, no panel, token spent or expired; the message names the remedy.
    """
    url = panel_url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise EnrolmentFailed(f"{panel_url} is not a panel's address: it begins with http:// or https://.")
    answer = await _ask(url, one_time_token)
    return _configuration(answer, url, base or NodeConfig())


async def _ask(url: str, one_time_token: str) -> httpx.Response:
    try:
        async with httpx.AsyncClient(verify=url.startswith("https:"), timeout=TIMEOUT_S) as client:
            return await client.post(f"{url}{ENROL_PATH}", json={"token": one_time_token})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EnrolmentFailed(
            f"The panel at {url} cannot be reached ({type(error).__name__}); check its address and the firewall."
        ) from error


def _configuration(answer: httpx.Response, url: str, base: NodeConfig) -> NodeConfig:
    if answer.status_code in (400, 401, 403, 410, 422):
        raise EnrolmentFailed("The panel refused the token: it was used, has expired or is mistyped. Make a new one.")
    if answer.status_code == 404:
        raise EnrolmentFailed(f"{url} has no enrolment; is it the panel's address?")
    if answer.status_code != 200:
        raise EnrolmentFailed(f"The panel answered with status {answer.status_code}; try again later.")
    try:
        config = parse_config(_merged(dump_config(base), _object(answer)), source="the panel's answer")
    except (ValueError, ConfigError) as error:
        raise EnrolmentFailed(f"The panel's answer is not a configuration: {error}") from None
    if not config.enrolled:
        raise EnrolmentFailed("The panel's answer is not a configuration: remote, token_id and token are needed.")
    return config


def _object(answer: httpx.Response) -> dict[str, Any]:
    body = answer.json()
    if isinstance(body, dict) and isinstance(body.get("data"), dict):
        body = body["data"]
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return body


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = _merged(old, value)
        elif value != "" or key not in result:  # an empty text, e.g. of a folder, leaves the choice to the node
            result[key] = value
    return result
