"""Plugins that hold up or end the process they run in: `muntin up` with two web processes and a worker."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field

import httpx
import pytest

from ..end_to_end.programs import EMAIL, PASSWORD, Program, until
from .conftest import Show
from .packages import install

pytestmark = pytest.mark.timeout(400)

FAULTS: Mapping[str, str] = {
    "sleep": "blocking sleep",
    "loop": "endless loop",
    "exit": "os._exit",
    "balloon": "memory balloon",
}
PLACES: Mapping[str, tuple[str, str, str]] = {  # how it is set off, and the process that suffers
    "route": ("GET", "things", "web"),
    "subscriber": ("POST", "events", "worker"),
    "job": ("POST", "jobs", "worker"),
}
CELLS = tuple(f"{place}_{fault}" for place in PLACES for fault in FAULTS)
WITHIN_S = 5.0
"""What is promised of a machine that has nothing else to do."""
TAKEN_OUT_WITHIN_S = 10.0
"""The same for one that is busy with other tests: less than any patience of the panel that could be in the way, which
are the silence of a process (10 s), the lease of an event's lane (15 s) and the time to drain (15 s)."""
PATIENCE_S = 40.0
VISITORS = 4
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Visits:
    """Requests for addresses of the core, each on a connection of its own."""

    answered: int = 0
    lost: list[str] = field(default_factory=list)


@asynccontextmanager
async def visitors(program: Program, token: str) -> AsyncIterator[Visits]:
    """Others who use the panel all the while."""
    visits = Visits()
    tasks = [asyncio.create_task(_visit(program, token, visits)) for _ in range(VISITORS)]
    try:
        yield visits
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _visit(program: Program, token: str, visits: Visits) -> None:
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    async with httpx.AsyncClient(base_url=program.url, headers=headers, trust_env=False, timeout=30) as client:
        while True:
            try:
                response = await client.get("/api/v1/account")
                response.raise_for_status()
                visits.answered += 1
            except httpx.HTTPError as error:
                visits.lost.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(0.05)


@dataclass
class Panel:
    """The running panel, its administrator, and what is stored."""

    program: Program
    token: str

    def state(self, plugin: str) -> str:
        """The state of a plugin as it is stored."""
        with closing(sqlite3.connect(self.program.folder / "muntin.sqlite3", timeout=10)) as store:
            found = store.execute("SELECT state FROM core_plugin WHERE name = ?", (plugin,)).fetchone()
        return str(found[0]) if found else ""

    def reason(self, plugin: str) -> str:
        """Why a plugin was taken out."""
        with closing(sqlite3.connect(self.program.folder / "muntin.sqlite3", timeout=10)) as store:
            return str(store.execute("SELECT reason FROM core_plugin WHERE name = ?", (plugin,)).fetchone()[0])

    def is_ready(self) -> bool:
        """Whether every process that runs has said that it is ready."""
        log = self.program.log.read_text()
        pids = {**self.program.pids("web"), **self.program.pids("worker")}
        return len(pids) == 3 and all(f"{name} (pid {pid}) ready" in log for name, pid in pids.items())

    def is_free(self) -> bool:
        """Whether no event and no job is held by a worker that is gone."""
        workers = {str(pid) for pid in self.program.pids("worker").values()}
        with closing(sqlite3.connect(self.program.folder / "muntin.sqlite3", timeout=10)) as store:
            lanes = store.execute("SELECT leased_by FROM core_delivery_lane WHERE leased_by IS NOT NULL")
            jobs = store.execute("SELECT worker FROM core_job WHERE state = 'running'")
            holders = {str(row[0]).split(":")[-2] for row in [*lanes, *jobs]}
        return holders <= workers

    def told(self) -> dict[str, int]:
        """How many events and mails tell of plugins that were taken out."""
        with closing(sqlite3.connect(self.program.folder / "muntin.sqlite3", timeout=10)) as store:
            events = store.execute("SELECT count(*) FROM core_outbox WHERE type = 'plugin.quarantined'").fetchone()[0]
            mails = store.execute("SELECT count(*) FROM core_mail WHERE template = 'core.plugin_quarantined'")
            return {"events": events, "mails": mails.fetchone()[0]}

    async def set_off(self, plugin: str, place: str) -> asyncio.Task[None]:
        """Ask for what misbehaves; nobody waits for the answer."""
        method, path, _process = PLACES[place]
        headers = {"Authorization": f"Bearer {self.token}"}

        async def ask() -> None:
            async with httpx.AsyncClient(base_url=self.program.url, trust_env=False, timeout=60) as client:
                with suppress(httpx.HTTPError):
                    await client.request(method, f"/api/v1/{plugin}/{path}", headers=headers)

        return asyncio.create_task(ask())


@pytest.fixture(scope="module")
async def panel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Panel]:
    """One panel with a plugin for each cell."""
    plugins = tmp_path_factory.mktemp("plugins")
    for cell in CELLS:
        place, _line, fault = cell.partition("_")
        install(plugins, cell, {place: FAULTS[fault]})
    variables = {
        "MUNTIN_WEB_PROCESSES": "2",
        "MUNTIN_PLUGINS": ",".join(CELLS),
        "MUNTIN_PROCESS_MEMORY_MIB": "400",
        "PYTHONPATH": str(plugins),
    }
    program = Program(tmp_path_factory.mktemp("panel"), variables)
    await program.start()
    try:
        yield Panel(program, await _token(program))
    finally:
        await program.stop()


async def _token(program: Program) -> str:
    """Of the administrator, whose requests nobody counts from now on."""
    with closing(sqlite3.connect(program.folder / "muntin.sqlite3", timeout=10)) as store, store:
        store.execute("UPDATE core_role SET rate_limit_multiplier = 1000")
    async with httpx.AsyncClient(base_url=program.url, trust_env=False, timeout=30) as client:
        answer = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        return str(answer.json()["data"]["access_token"])


async def cell(panel: Panel, name: str) -> tuple[str, ...]:
    """Set one off, and see the plugin taken out and everything well; a row of the table."""
    place, _line, fault = name.partition("_")
    kind = PLACES[place][2]
    await until(panel.is_ready, timeout_s=PATIENCE_S, what="every process")
    before = panel.program.pids(kind)
    async with visitors(panel.program, panel.token) as visits:
        await until(lambda: visits.answered, timeout_s=PATIENCE_S, what="an answer")
        started = time.monotonic()
        asking = await panel.set_off(name, place)
        await until(lambda: panel.state(name) == "quarantined", timeout_s=PATIENCE_S, every_s=0.05, what=f"{name} out")
        taken_out_s = time.monotonic() - started
        await until(lambda: _replaced(panel, kind, before), timeout_s=PATIENCE_S, every_s=0.05, what=f"a new {kind}")
        await until(panel.is_free, timeout_s=PATIENCE_S, every_s=0.05, what="what the old process held")
        well_s = time.monotonic() - started
        asking.cancel()
    row = (place, FAULTS[fault], f"{taken_out_s:.1f} s", f"{well_s:.1f} s", str(visits.answered), str(len(visits.lost)))
    assert len(visits.lost) <= (VISITORS if kind == "web" else 0), (row, visits.lost)
    assert taken_out_s < TAKEN_OUT_WITHIN_S, (row, panel.program.log.read_text()[-5000:])
    return row


def _replaced(panel: Panel, kind: str, before: Mapping[str, int]) -> bool:
    now = panel.program.pids(kind)
    gone = set(before.values()) - set(now.values())
    return bool(gone) and now.keys() == before.keys() and panel.is_ready()


async def test_plugin_that_holds_up_or_ends_a_process_is_taken_out_and_the_process_replaced(
    panel: Panel, show: Show
) -> None:
    rows = [await cell(panel, name) for name in CELLS]

    heads = ("in a", "fault", "quarantined after", "all well after", "others' answers", "lost")
    show(f"Plugins against processes (promised: {WITHIN_S:g} s; lost: at most what was in flight there)", heads, rows)
    assert {name: panel.state(name) for name in CELLS} == dict.fromkeys(CELLS, "quarantined")
    assert all(panel.reason(name) for name in CELLS)
    await until(lambda: panel.told() == {"events": len(CELLS), "mails": len(CELLS)}, what="events and mails")


async def test_one_click_enables_a_plugin_that_was_taken_out(panel: Panel) -> None:
    async with httpx.AsyncClient(
        base_url=panel.program.url, trust_env=False, follow_redirects=True, timeout=30
    ) as browser:
        form = {"csrf_token": _csrf(await browser.get("/sign-in")), "email": EMAIL, "password": PASSWORD}
        await browser.post("/sign-in", data=form, headers={"Origin": panel.program.url})
        page = await browser.get("/admin/plugins")
        overview = await browser.get("/admin")

        click = {"csrf_token": _csrf(page)}
        await browser.post("/admin/plugins/route_exit/enable", data=click, headers={"Origin": panel.program.url})
        served = await browser.get("/route_exit/page")

    assert "route_exit" in overview.text
    assert panel.reason("route_sleep") in page.text
    assert panel.state("route_exit") == "enabled"
    assert (served.status_code, served.text) == (200, "a page")


def _csrf(page: httpx.Response) -> str:
    found = CSRF.search(page.text)
    assert found, page.text[:500]
    return found.group(1)
