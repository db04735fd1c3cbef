"""What is wrong with this node, each with its remedy."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException
from websockets.sync.client import connect

from muntin_node.bus import MAX_FRAME_BYTES, bus_url
from muntin_node.config import NodeConfig
from muntin_node.halves import discover, same_series
from muntin_node.http_client import httpx
from muntin_node.openat2 import openat2_works
from muntin_node.panel import panel_headers

CLOCK_TOLERANCE_S = 30.0
PANEL_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that does not hold."""

    what: str
    remedy: str


def examine(config: NodeConfig) -> list[Problem]:
    """Look at kernel, folders, port, halves, panel and clock. Takes up to 30 s; changes nothing."""
    return [*_kernel(), *_folders(config), *_port(config), *_halves(config), *_panel(config)]


def _kernel() -> Iterator[Problem]:
    if not openat2_works():
        yield Problem(what="The kernel has no openat2.", remedy="Use Linux 5.6 or newer, and allow the system call.")
    if os.geteuid() != 0:
        yield Problem(
            what="The agent does not run as root.",
            remedy="Run it as root, or accept that files keep the agent's owner and programs its user.",
        )


def _folders(config: NodeConfig) -> Iterator[Problem]:
    for folder in (config.system.root_directory, config.system.data, config.system.tmp_directory):
        existing = folder
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        if not os.access(existing, os.W_OK | os.X_OK):
            yield Problem(
                what=f"{folder} is not writable.", remedy=f"Give the agent's user write access to {existing}."
            )


def _port(config: NodeConfig) -> Iterator[Problem]:
    family = socket.AF_INET6 if ":" in config.api.host else socket.AF_INET
    try:
        socket.create_server((config.api.host, config.api.port), family=family).close()
    except OSError as error:
        yield Problem(
            what=f"{config.api.host} port {config.api.port} cannot be listened on: {os.strerror(error.errno or 0)}.",
            remedy="If it is not this agent that runs there, stop what does or change api.port.",
        )
    for path in (config.api.ssl.cert, config.api.ssl.key) if config.api.ssl.enabled else ():
        if not Path(path).is_file():
            yield Problem(what=f"TLS file {path or '(none)'} is missing.", remedy="Set api.ssl.cert and api.ssl.key.")


def _halves(config: NodeConfig) -> Iterator[Problem]:
    halves, errors = discover(config.muntin.halves)
    for name, error in errors.items():
        yield Problem(what=f"The node half {name} cannot be loaded: {error}.", remedy="Install or repair its package.")
    if not halves:
        yield Problem(what="No node half is installed.", remedy="Install a plugin with one, e.g. muntin-gameservers.")


def _panel(config: NodeConfig) -> Iterator[Problem]:
    if not config.enrolled:
        yield Problem(
            what="The node is not enrolled.", remedy="Run `muntin-node configure --panel-url ... --token ...`."
        )
        return
    try:
        answer = httpx.get(
            f"{config.remote}/api/remote/servers?page=0&per_page=1",
            headers=panel_headers(config),
            timeout=PANEL_TIMEOUT_S,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield Problem(
            what=f"The panel at {config.remote} cannot be reached ({type(error).__name__}).",
            remedy="Check `remote`, the name service and the firewall.",
        )
        return
    if answer.status_code in (401, 403):
        yield Problem(what="The panel refuses this node's credentials.", remedy="Enrol the node again.")
    else:
        yield from _versions(config)
    yield from _clock(answer)


def _versions(config: NodeConfig) -> Iterator[Problem]:
    """The first thing that a panel says on the line is which versions its halves have."""
    try:
        wanted = _said_of_halves(config)
    except (OSError, ValueError, InvalidHandshake, InvalidURI, WebSocketException) as error:
        yield Problem(
            what=f"The line to the panel cannot be held ({type(error).__name__}).",
            remedy="Let the proxy in front of the panel pass websockets to /api/node/bus.",
        )
        return
    for half in discover(config.muntin.halves)[0]:
        panels = wanted.get(half.name)
        if isinstance(panels, str) and not same_series(half.version, panels):
            yield Problem(
                what=f"The half {half.name} is {half.version} here and {panels} on the panel, which does not call it.",
                remedy=f"Install the panel's version of the package with {half.name} here, then restart the agent.",
            )


def _said_of_halves(config: NodeConfig) -> dict[str, object]:
    """Name -> version of the panel's halves; nothing of a panel that says something else first."""
    headers = {"Authorization": f"Bearer {config.panel_bearer}"}
    with connect(
        bus_url(config.remote), additional_headers=headers, compression=None, max_size=MAX_FRAME_BYTES,
        open_timeout=PANEL_TIMEOUT_S, close_timeout=2,
    ) as line:  # fmt: skip
        frame = json.loads(line.recv(timeout=PANEL_TIMEOUT_S))
    is_it = isinstance(frame, dict) and frame.get("topic") == "halves" and isinstance(frame.get("data"), dict)
    return dict(frame["data"]) if is_it else {}


def _clock(answer: httpx.Response) -> Iterator[Problem]:
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return
    off_s = abs((datetime.now(UTC) - theirs).total_seconds())
    if off_s > CLOCK_TOLERANCE_S:
        yield Problem(what=f"The clock is {off_s:.0f} s off the panel's.", remedy="Turn on time synchronisation.")
