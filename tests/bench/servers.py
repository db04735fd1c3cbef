"""How fast servers are listed, against a bare application on the same server in the same rotation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import UUID

from tests.bench.children import free_port, listens, module
from tests.bench.figures import Figure, Measure, Options, rotate
from tests.bench.load import CLIENT, requests_per_second
from tests.bench.seeding import add_node, add_servers, lift_limits, store_of

from muntin.testing.served import EMAIL, ServedPanel, served_panel
from muntin.testing.stores import Store, postgres_server

SERVERS = 1_000
BOUND, WISH = 0.12, 0.20
BARE = "bare Hypercorn application"
PATH = "/api/v1/servers"


async def measure(options: Options) -> list[Figure]:
    """Requests per second of the list as a share of the bare application's, per store and kind of credential."""
    async with AsyncExitStack() as stack:
        targets = {BARE: await stack.enter_async_context(_bare())}
        targets |= await stack.enter_async_context(_panel(options, "SQLite", {}))
        server = stack.enter_context(postgres_server())
        if server is not None:
            store = Store("postgresql", options.folder, server=server)
            stack.callback(store.drop)
            environment = {"MUNTIN_DATABASE_URL": store.empty()}
            targets |= await stack.enter_async_context(_panel(options, "PostgreSQL", environment))
        await rotate(targets, 1)  # caches warm
        samples = await rotate(targets, options.rounds)
    figures = [Figure(name=BARE, samples=samples.pop(BARE), unit="requests/s", note=f"asked by {CLIENT}")]
    return figures + [_share(name, values, figures[0].samples) for name, values in samples.items()]


def _share(name: str, samples: tuple[float, ...], bare: tuple[float, ...]) -> Figure:
    shares = tuple(one / other for one, other in zip(samples, bare, strict=True))
    wish = f"wished {WISH}"
    return Figure(name=f"list 25 of {SERVERS}, {name}", samples=shares, unit="of bare", at_least=BOUND, note=wish)


@asynccontextmanager
async def _bare() -> AsyncIterator[Measure]:
    port = free_port()
    async with module("bare", f"127.0.0.1:{port}"):
        await listens(port)
        yield partial(requests_per_second, f"http://127.0.0.1:{port}/", {})


@asynccontextmanager
async def _panel(options: Options, store: str, environment: dict[str, str]) -> AsyncIterator[dict[str, Measure]]:
    """A panel on a store, asked with an access token and with an API key."""
    async with served_panel(options.folder / f"servers-{store}", environment) as panel:
        owner_id = UUID((await panel.client.get("/api/v1/account")).json()["data"]["id"])
        async with store_of(panel):
            await lift_limits()
            await add_servers(owner_id, (await add_node()).id, SERVERS)
        bearers = {"access token": await _access_token(panel), "API key": await _api_key(panel)}
        yield {f"{store}, {kind}": await _listing(panel, bearer) for kind, bearer in bearers.items()}


async def _listing(panel: ServedPanel, bearer: str) -> Measure:
    """Make sure that the answer is what is meant, then ask for it again and again."""
    headers = {"Authorization": f"Bearer {bearer}"}
    answer = await panel.client.get(PATH, headers=headers)
    if answer.is_error:
        raise RuntimeError("\n".join([answer.text, *panel.log[-30:]]))
    body = answer.json()
    if len(body["data"]) != 25 or body["meta"]["total"] != SERVERS:
        raise RuntimeError(f"not 25 of {SERVERS} servers: {body['meta']}")
    return partial(requests_per_second, panel.url + PATH, headers)


async def _access_token(panel: ServedPanel) -> str:
    body = {"email": EMAIL, "password": panel.password}
    return str((await panel.client.post("/api/v1/auth/login", json=body)).json()["data"]["access_token"])


async def _api_key(panel: ServedPanel) -> str:
    answer = await panel.client.post("/api/v1/account/api-keys", json={"description": "bench"})
    answer.raise_for_status()
    return str(answer.json()["data"]["token"])
