"""A plugin switched off and on a hundred times under load, in a panel of two web processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from tests.bench.figures import Figure, Options
from tests.bench.seeding import lift_limits, store_of
from tests.plugin_lifecycle.wheels import declare

from muntin.testing.served import ServedPanel, served_panel

TOGGLES = 100
AT_MOST_MS = 100.0
VISITORS, WATCHERS = 4, 4
SWITCHES = ("disable", "enable")
PLUGIN = "toggled"


@dataclass
class Load:
    """What visitors of other routes were answered."""

    answered: int = 0
    failed: list[str] = field(default_factory=list)

    async def ask(self, client: httpx.AsyncClient) -> None:
        """One request after the other, until cancelled."""
        while True:
            try:
                response = await client.get("/api/v1/account")
                if response.status_code != 200:
                    self.failed.append(f"{response.status_code} {response.text[:100]}")
            except httpx.HTTPError as error:
                self.failed.append(f"{type(error).__name__}: {error}")
            self.answered += 1


async def measure(options: Options) -> list[Figure]:
    """Milliseconds from the answer to the switch until every connection sees it; requests that failed meanwhile."""
    folder = options.folder / "toggling"
    declare(folder, [PLUGIN])
    environment = {"MUNTIN_PLUGINS": PLUGIN, "MUNTIN_WEB_PROCESSES": "2"}
    async with served_panel(folder, environment) as panel:
        async with store_of(panel):
            await lift_limits()
        async with panel.browser() as admin:
            return await _toggle(panel, admin)


async def _toggle(panel: ServedPanel, admin: httpx.AsyncClient) -> list[Figure]:
    answer = await panel.client.post("/api/v1/account/api-keys", json={"description": "bench"})
    headers = {"Authorization": f"Bearer {answer.json()['data']['token']}"}
    load = Load()
    async with _clients(panel, headers, VISITORS) as visitors, _clients(panel, headers, WATCHERS) as watchers:
        tasks = [asyncio.create_task(load.ask(one)) for one in visitors]
        effects = [await _switch(admin, watchers, SWITCHES[number % 2]) for number in range(TOGGLES)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    note = "; ".join(sorted(set(load.failed))[:3])
    return [
        Figure(name="switch, until the last sees it", samples=tuple(effects), unit="ms", at_most=AT_MOST_MS),
        Figure(
            name=f"failed of {load.answered} other requests",
            samples=(float(len(load.failed)),),
            at_most=0.0,
            note=note,
        ),
    ]


async def _switch(admin: httpx.AsyncClient, watchers: list[httpx.AsyncClient], verb: str) -> float:
    token = await _proof(admin)
    response = await admin.post(
        f"/admin/plugins/{PLUGIN}/{verb}", headers={"X-CSRF-Token": token}, follow_redirects=False
    )
    if response.status_code != 303:
        raise RuntimeError(f"{verb}: {response.status_code} {response.text[:300]}")
    switched_at = time.perf_counter()
    wanted = 200 if verb == "enable" else 404
    await asyncio.gather(*(_sees(one, wanted) for one in watchers))
    return (time.perf_counter() - switched_at) * 1000


async def _sees(client: httpx.AsyncClient, wanted: int) -> None:
    async with asyncio.timeout(10):
        while (await client.get(f"/api/v1/{PLUGIN}")).status_code != wanted:
            pass


async def _proof(admin: httpx.AsyncClient) -> str:
    page = (await admin.get("/admin/plugins")).text
    return page.partition('name="csrf-token" content="')[2].partition('"')[0]


@asynccontextmanager
async def _clients(panel: ServedPanel, headers: dict[str, str], count: int) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients with a connection each; the kernel spreads them over the web processes."""
    limits = httpx.Limits(max_connections=1)
    made = [
        httpx.AsyncClient(base_url=panel.url, headers=headers, limits=limits, trust_env=False, timeout=20)
        for _number in range(count)
    ]
    try:
        yield made
    finally:
        for one in made:
            await one.aclose()
