"""Twenty enabled plugins beside none: how long `GET /api/v1/account` takes, asked in turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.bench.figures import Figure, Measure, Options, rotate
from tests.bench.load import CLIENT, requests_per_second
from tests.bench.seeding import lift_limits, store_of
from tests.plugin_lifecycle.wheels import declare

from muntin.testing.served import served_panel

PLUGINS = 20
AT_MOST = 1.3
PATH = "/api/v1/account"


async def measure(options: Options) -> list[Figure]:
    """Seconds per request with plugins, as a multiple of those without."""
    async with (
        _asked(options.folder / "no-plugins", 0) as without,
        _asked(options.folder / "many-plugins", PLUGINS) as beside,
    ):
        targets = {"without": without, "beside": beside}
        await rotate(targets, 1)  # caches warm
        samples = await rotate(targets, options.rounds)
    times = tuple(one / many for one, many in zip(samples["without"], samples["beside"], strict=True))
    return [
        Figure(name=f"{PATH}, no plugin", samples=samples["without"], unit="requests/s", note=f"asked by {CLIENT}"),
        Figure(name=f"{PATH}, {PLUGINS} plugins", samples=samples["beside"], unit="requests/s"),
        Figure(name="  time, as a multiple", samples=times, at_most=AT_MOST),
    ]


@asynccontextmanager
async def _asked(folder: Path, plugins: int) -> AsyncIterator[Measure]:
    """A panel with that many plugins, each with routes, permissions, settings, a table, a job and a subscriber."""
    names = [f"bench_{number}" for number in range(plugins)]
    declare(folder, names)
    async with served_panel(folder, {"MUNTIN_PLUGINS": ",".join(names) or "none"}) as panel:
        async with store_of(panel):
            await lift_limits()
        answer = await panel.client.post("/api/v1/account/api-keys", json={"description": "bench"})
        answer.raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['data']['token']}"}
        for name in names:
            (await panel.client.get(f"/api/v1/{name}", headers=headers)).raise_for_status()
        yield partial(requests_per_second, panel.url + PATH, headers)
