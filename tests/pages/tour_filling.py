"""Fills a panel with what operators have, and with what goes wrong; for the tour of pages."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.async_api import Browser

from muntin.testing.browsing import sign_in
from muntin.testing.pictures import LOOKS
from muntin.testing.served import EMAIL, ServedPanel
from muntin.testing.waiting import until

from ..faults.packages import install
from ..plugin_lifecycle.wheels import WheelPlan

PASSWORD = "a long enough password"
PROGRAMS = Path(__file__).parents[1] / "second_runtime"
FAULTS: dict[str, dict[str, str]] = {
    "clumsy": {"job": "raises", "page": "raises"},
    "torn": {"template": "broken"},
    "away": {"page": "unavailable", "job": "takes long"},
    "holding": {},
    "unfit": {"hook": "raises"},
}
"""Plugin -> where it does what; `holding` is taken out by hand."""
TAKEN_OUT = "The job holding.work kept the worker busy for 30 s, twice in five minutes."
JOBS = (
    ("cancelled", 60, "Copying files…", None),
    ("failed", 25, "Writing the zone…", "The name server ns1.falkenstein.example.org refused the zone: SERVFAIL"),
    ("done", 100, "Done", None),
)


@dataclass(frozen=True, slots=True)
class Filled:
    """What the tour needs to know.

    Attributes:
        ids: What the addresses of pages hold.
        cookies, plain_cookies: Sessions of the administrator and of a plain account.
    """

    ids: dict[str, str]
    cookies: list[Any]
    plain_cookies: list[Any]


def environment(plugins: Path) -> dict[str, str]:
    """Installs the plugins; how the panel is started with them."""
    for name, faults in FAULTS.items():
        install(plugins, name, faults)
    return {"MUNTIN_PLUGINS": ",".join([*FAULTS, "programs"]), "PYTHONPATH": str(plugins), "MUNTIN_PLUGIN_INSTALL": "1"}


async def fill(panel: ServedPanel, browser: Browser, place: Path) -> Filled:
    """Fill the panel, whose data lies in `data` of this folder."""
    store = place / "data" / "muntin.sqlite3"
    changes = await asyncio.to_thread(_changes, panel, place)
    await _programs(panel)
    await _settings(panel)
    account = await _accounts(panel)
    node = await _nodes(panel)
    key = {"description": "Backups of the website", "permissions": ["account.read"], "allowed_ips": ["192.0.2.0/24"]}
    made_key = await _ask(panel, "POST", "/account/api-keys", key)
    jobs = await _jobs(panel, store)
    with closing(sqlite3.connect(store, timeout=10)) as opened, opened:
        opened.execute("UPDATE core_plugin SET state = 'quarantined', reason = ? WHERE name = 'holding'", (TAKEN_OUT,))
    await _letters(panel, store)
    ids = {"account": account, "node": node, "key": made_key["id"], **jobs, **changes}
    cookies = await _session(panel, browser, EMAIL, panel.password)
    return Filled(ids, cookies, await _session(panel, browser, "ada", PASSWORD))


def _changes(panel: ServedPanel, place: Path) -> dict[str, str]:
    """A stranger's kind of workload is installed, and a wheel that does not fit is not; answers both reports."""
    pip = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation", "-w", str(place)]
    subprocess.run([*pip, str(PROGRAMS)], check=True, timeout=200)
    unfit = WheelPlan(requires=("muntin>=0.1", "quart<0.1")).write(place)
    environment = {**os.environ, **panel.environment}
    reports: dict[str, str] = {}
    for name, wheel in (("refused", unfit), ("installed", next(place.glob("muntin_programs*.whl")))):
        before = set((place / "data" / "plugins" / "reports").glob("*.json"))
        command = [sys.executable, "-m", "muntin.cli", "plugin", "install", str(wheel)]
        subprocess.run(command, env=environment, check=False, timeout=200, stdout=subprocess.DEVNULL)
        (made,) = set((place / "data" / "plugins" / "reports").glob("*.json")) - before
        reports[name] = made.stem
    return reports


async def _programs(panel: ServedPanel) -> None:
    """Programs on a machine that was never there."""
    host = {"fqdn": "shells.example.org", "scheme": "https", "memory": 1024, "disk": 10_000}
    node = await _ask(panel, "POST", "/admin/nodes", {"name": "shells", **host})
    for name, argv in (("echo", ["/bin/cat"]), ("a-program-with-a-long-name", ["/usr/bin/env", "python3", "bot.py"])):
        await _ask(panel, "POST", "/programs", {"name": name, "argv": argv, "node_id": node["id"]})


async def _ask(panel: ServedPanel, method: str, path: str, body: Any = None) -> Any:
    answer = await panel.client.request(method, f"/api/v1{path}", json=body)
    if answer.is_error:
        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json().get("data")


async def _settings(panel: ServedPanel) -> None:
    oidc = {"enabled": True, "label": "Example SSO", "issuer": "https://sso.example.org", "client_id": "muntin"}
    await _ask(panel, "PUT", "/admin/settings", {"oidc": oidc, "security": {"registration_enabled": True}})


async def _accounts(panel: ServedPanel) -> str:
    made: dict[str, Any] = {}
    names = [
        "ada",
        "grace.hopper",
        *(f"player{number}" for number in range(1, 31)),
        *(f"careful-{width}-{scheme}" for width, scheme in LOOKS),
        "an-administrator-with-a-long-name",
    ]
    for name in names:
        values = {"email": f"{name}@mail.example.org", "username": name, "password": PASSWORD, "last_name": "Lovelace"}
        made = await _ask(panel, "POST", "/admin/users", values)
    return str(made["id"])


async def _nodes(panel: ServedPanel) -> str:
    made: dict[str, Any] = {}
    for number in range(1, 4):
        host = f"node{number}.falkenstein.example.org"
        values = {"name": f"falkenstein-rack-{number}", "fqdn": host, "scheme": "https", "memory": 65536,
                  "disk": 500_000, "location": "Falkenstein"}  # fmt: skip
        made = await _ask(panel, "POST", "/admin/nodes", values)
    return str(made["id"])


async def _jobs(panel: ServedPanel, store: Path) -> dict[str, str]:
    """Jobs in every state. They ran and failed; what their rows say is made up, so that each state is seen at once."""
    for _state in JOBS:
        await _ask(panel, "POST", "/clumsy/jobs")

    def over() -> list[str]:
        with closing(sqlite3.connect(store, timeout=10)) as opened:
            found = opened.execute("SELECT id FROM core_job WHERE name = 'clumsy.work' AND state = 'failed'").fetchall()
        return [one[0] for one in found] if len(found) == len(JOBS) else []

    await until(lambda: bool(over()), timeout_s=120)
    ids = {}
    with closing(sqlite3.connect(store, timeout=10)) as opened, opened:
        for job_id, (state, percent, text, error) in zip(over(), JOBS, strict=True):
            values = (state, percent, text, error, job_id)
            opened.execute(
                "UPDATE core_job SET state = ?, progress_percent = ?, progress_text = ?, error = ? WHERE id = ?", values
            )
            ids[state] = job_id
    return ids | {"running": await _running_job(panel)}


async def _running_job(panel: ServedPanel) -> str:
    await _ask(panel, "POST", "/away/jobs")
    found: list[dict[str, Any]] = []

    async def runs() -> bool:
        found[:] = await _ask(panel, "GET", "/admin/jobs?search=away.work&state=running")
        return bool(found)

    await until(runs, timeout_s=60)
    return str(found[0]["id"])


async def _letters(panel: ServedPanel, store: Path) -> None:
    """Events that a subscriber never took."""
    await _ask(panel, "POST", "/clumsy/events")
    await asyncio.to_thread(_give_up, store)


def _give_up(store: Path) -> None:
    with closing(sqlite3.connect(store, timeout=10)) as opened, opened:
        events = opened.execute("SELECT id, occurred_at FROM core_outbox ORDER BY id DESC LIMIT 3").fetchall()
        for event_id, at in events:
            error = "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 5353)"
            values = (str(uuid4()), at, at, "clumsy.hear", 12, error, event_id)
            opened.execute(
                "INSERT INTO core_dead_letter (id, created_at, updated_at, subscriber, attempts, error, event_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )


async def _session(panel: ServedPanel, browser: Browser, login: str, password: str) -> list[Any]:
    context = await browser.new_context(base_url=panel.url)
    page = await context.new_page()
    await sign_in(page, panel.url, login, password)
    cookies: list[Any] = list(await context.cookies())
    await context.close()
    return cookies
