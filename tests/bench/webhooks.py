"""How fast webhooks leave, against the bare client posting the same bodies; and beside an endpoint that is dead."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpcore
from tests.bench.children import free_port, listens, module
from tests.bench.figures import Figure, Options

from muntin.access import Actor
from muntin.bus.local import LocalBus
from muntin.configuration import Configuration
from muntin.database import execute, transaction, uuid7
from muntin.database.migrations import migrate
from muntin.events import EventEnvelope
from muntin.panel import Panel
from muntin.roles.seeding import seed_roles
from muntin.settings.service import change_settings
from muntin.testing.stores import Store, postgres_server
from muntin_webhooks.deliveries.recording import Queued, store_deliveries, store_message
from muntin_webhooks.models import DeliveryRow, EndpointRow
from muntin_webhooks.schemas import WebhookInput
from muntin_webhooks.sending.attempt import request_of
from muntin_webhooks.sending.receiver import receiver_of
from muntin_webhooks.sending.sender import Sender
from muntin_webhooks.sending.waiting import read_fresh
from muntin_webhooks.services import PANEL

BODIES, CONCURRENCY = 1500, 16
ENDPOINTS, EACH = 100, 15
SHARE, BESIDE_DEAD = 0.5, 0.75


async def measure(options: Options) -> list[Figure]:
    """Per store: the sender's rate as a share of the bare client's, and of its own with nobody dead."""
    async with AsyncExitStack() as stack:
        port = free_port()
        await stack.enter_async_context(module("webhook_receiver", str(port)))
        await listens(port)
        figures = await _on(options, "SQLite", f"sqlite://{options.folder / 'webhooks.sqlite3'}", port)
        server = stack.enter_context(postgres_server())
        if server is not None:
            store = Store("postgresql", options.folder, server=server)
            stack.callback(store.drop)
            figures += await _on(options, "PostgreSQL", store.empty(), port)
    return figures


async def _on(options: Options, name: str, database_url: str, port: int) -> list[Figure]:
    async with _panel(options, database_url):
        url = f"http://127.0.0.1:{port}/hook"
        bare, share, beside = [], [], []
        for _round in range(options.rounds):
            bare.append(await _bare(url))
            share.append(await _drained(await _endpoints(url, 1), BODIES) / bare[-1])
            alive = await _drained(await _endpoints(url, ENDPOINTS), ENDPOINTS * EACH)
            with _dead_port() as dead:
                ids = await _endpoints(url, ENDPOINTS - 1)
                silent = await _endpoints(f"http://127.0.0.1:{dead}/hook", 1)
                beside.append(await _drained(ids, (ENDPOINTS - 1) * EACH, silent) / alive)
    client = f"{CONCURRENCY} at the same time"
    return [
        Figure(name=f"{name}: bare client posting the bodies", samples=tuple(bare), unit="requests/s", note=client),
        Figure(name=f"{name}: webhooks to one receiver", samples=tuple(share), unit="of bare", at_least=SHARE),
        Figure(name=f"{name}: {ENDPOINTS - 1} receivers beside a dead one", samples=tuple(beside),
               unit="of all alive", at_least=BESIDE_DEAD),
    ]  # fmt: skip


@asynccontextmanager
async def _panel(options: Options, database_url: str) -> AsyncIterator[Panel]:
    """A panel in this process, without a worker; the sender is started for each measurement."""
    configuration = Configuration(
        data_dir=options.folder, database_url=database_url, secret_key="k" * 32, plugins=("webhooks",)
    )
    panel = Panel(configuration, process="command", bus=LocalBus())
    await migrate(configuration.store_url, panel.apps)
    await panel.open()
    await seed_roles()
    changes: dict[str, dict[str, object]] = {
        "outgoing": {"allowed_networks": ["127.0.0.0/8"]},
        "webhooks": {"plain_http": True},
    }
    await change_settings(Actor.system(), changes=changes)
    try:
        yield panel
    finally:
        await panel.close()


async def _endpoints(url: str, number: int) -> list[UUID]:
    made = []
    for index in range(number):
        wanted = WebhookInput(name=f"hook {index}", kind="http", config={"url": url}, events=["*"])
        made.append((await PANEL.create_webhook(Actor.system(), wanted)).id)
    return made


def _event(index: int) -> EventEnvelope:
    return EventEnvelope(
        id=uuid7(),
        type="server.started",
        version=1,
        resource_type="server",
        resource_id=str(uuid4()),
        sequence=1,
        occurred_at=datetime.now(UTC),
        actor_id=None,
        payload={"server_id": str(uuid4()), "name": f"server {index}", "owner_id": str(uuid4())},
    )


async def _queue(ids: Sequence[UUID], number: int) -> None:
    """So many deliveries, spread over the webhooks; each of its own resource."""
    async with transaction() as events:
        for index in range(number):
            event = _event(index)
            await store_message(event)
            one = Queued(endpoint_id=ids[index % len(ids)], message_id=event.id, type=event.type)
            await store_deliveries(events, [one])


async def _drained(ids: Sequence[UUID], number: int, silent: Sequence[UUID] = ()) -> float:
    """Deliveries a second until all of `ids` got theirs; the silent ones get as many each."""
    await _queue([*silent, *ids], number + len(silent) * EACH)
    if silent:
        await _queue(silent, 10 * EACH)
    sender = Sender(concurrency=CONCURRENCY)
    started = time.monotonic()
    task = asyncio.create_task(sender.run())
    while await DeliveryRow.filter(endpoint_id__in=ids, state="fresh").exists():  # noqa: ASYNC110 - rows tell nobody
        await asyncio.sleep(0.02)
    taken_s = time.monotonic() - started
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    delivered = await DeliveryRow.filter(endpoint_id__in=ids, state="success").count()
    if delivered < number:
        errors = await DeliveryRow.filter(endpoint_id__in=ids).distinct().values_list("error", flat=True)
        raise RuntimeError(f"only {delivered} of {number} were delivered: {errors}")
    await EndpointRow.all().delete()
    await execute("DELETE FROM webhooks_message")
    return delivered / taken_s


async def _bare(url: str) -> float:
    """The same bodies with the same headers, posted by the client itself."""
    [endpoint_id] = await _endpoints(url, 1)
    await _queue([endpoint_id], BODIES)
    receiver = receiver_of(await EndpointRow.get(id=endpoint_id))
    assert receiver is not None
    waiting = [one for one in await read_fresh(endpoint_id, after=0, limit=BODIES) if not isinstance(one, int)]
    requests = [request_of(receiver, one, sent_at_s=int(time.time())) for one in waiting]
    await EndpointRow.all().delete()
    await execute("DELETE FROM webhooks_message")
    async with httpcore.AsyncConnectionPool(max_connections=CONCURRENCY) as pool:
        queue = iter(requests)

        async def work() -> None:
            for one in queue:
                answer = await pool.request("POST", url, headers=list(one.headers.items()), content=one.body)
                if answer.status != 200:
                    raise RuntimeError(f"answered {answer.status}")

        started = time.monotonic()
        await asyncio.gather(*(work() for _worker in range(CONCURRENCY)))
        return BODIES / (time.monotonic() - started)


@contextmanager
def _dead_port() -> Iterator[int]:
    """A port that takes connections into its backlog and never answers."""
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        dead.listen(1)
        yield int(dead.getsockname()[1])
