"""The journal on DBOS. The only module that knows DBOS; imported by worker processes when they open their engine.

What DBOS does for us: it remembers that a run exists, what its steps gave, and whether it is over. One workflow of one
name and one pinned version stands for every task and saga, so adding a plugin changes nothing DBOS knows of. Its
queues, schedules and retries are not used: they poll. Nothing of its paid services is touched.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy
from dbos import DBOS, DBOSClient, DBOSConfig, Serializer, SetWorkflowID

from muntin.bus.postgres import plain_url
from muntin.jobs.journal import RunStatus, Work, sqlite_path

APPLICATION_VERSION = "muntin-1"
"""Pinned: DBOS strands runs of another version. To be changed only when `_workflow` takes other arguments."""
WORKFLOW_NAME = "muntin.job"
THREADS = 8
KEEP_DAYS = 1
BATCH = 500

_over = ["SUCCESS", "ERROR"]
_waiting = ["ENQUEUED", "DELAYED"]
Body = Callable[[UUID, int], Awaitable[None]]


class DbosJournal:
    """One per process, from `open` to `close`."""

    def __init__(self, worker_id: str, *, store_url: str, data_dir: Path) -> None:
        self._worker_id = worker_id
        self._store_url = store_url
        self._data_dir = data_dir
        self._engine: sqlalchemy.Engine | None = None
        self._workflow: Any = None

    async def open(self, body: Body) -> None:
        """Connect and be ready to run. Called inside the loop, so that DBOS runs its coroutines on this one."""
        _quieten()
        DBOS(config=self._configuration())

        @DBOS.workflow(name=WORKFLOW_NAME)
        async def workflow(job_id: str, run: int) -> None:
            await body(UUID(job_id), run)

        self._workflow = workflow
        DBOS.launch()

    async def start(self, workflow_id: str, job_id: UUID, run: int, *, is_known: bool) -> bool:
        """See `Journal`."""
        if is_known:
            status = (await self.statuses([workflow_id])).get(workflow_id)
            if status is not None:
                if not status.is_over:
                    await self.resume([workflow_id])
                return not status.is_over
        with SetWorkflowID(workflow_id):
            await DBOS.start_workflow_async(self._workflow, str(job_id), run)
        return True

    async def step(self, name: str, work: Work) -> dict[str, Any]:
        """See `Journal`."""
        outcome: dict[str, Any] = await DBOS.run_step_async({"name": name}, work)
        return outcome

    async def statuses(self, workflow_ids: Sequence[str]) -> dict[str, RunStatus]:
        """See `Journal`."""
        found = await DBOS.list_workflows_async(workflow_ids=list(workflow_ids), load_input=False, load_output=False)
        return {
            one.workflow_id: RunStatus(one.status in _over, one.status in _waiting, one.executor_id) for one in found
        }

    async def resume(self, workflow_ids: Sequence[str]) -> None:
        """See `Journal`. DBOS looks once per second for what is to go on."""
        await DBOS.resume_workflows_async(list(workflow_ids))

    async def forget_old(self) -> int:
        """See `Journal`."""
        oldest = (datetime.now(UTC) - timedelta(days=KEEP_DAYS)).isoformat()
        old = await DBOS.list_workflows_async(
            status=_over, end_time=oldest, limit=BATCH, load_input=False, load_output=False
        )
        if old:
            await DBOS.delete_workflows_async([one.workflow_id for one in old])
        return len(old)

    async def close(self) -> None:
        """Let go; what still runs is not over for DBOS."""
        with ThreadPoolExecutor(1) as apart:  # DBOS made its own threads the loop's default ones, and stops them
            await asyncio.get_running_loop().run_in_executor(apart, lambda: DBOS.destroy(destroy_registry=True))
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        if self._engine is not None:
            self._engine.dispose()

    def _configuration(self) -> DBOSConfig:
        configuration = DBOSConfig(
            name="muntin",
            application_version=APPLICATION_VERSION,
            executor_id=self._worker_id,
            serializer=_JsonSerializer(),
            log_level="WARNING",
            enable_otlp=False,
            use_listen_notify=False,
            max_executor_threads=THREADS,
            sys_db_pool_size=4,
            scheduler_polling_interval_sec=60.0,
        )
        if self._store_url.startswith("sqlite:"):
            path = sqlite_path(self._data_dir)
            self._engine = _sqlite_engine(path)
            configuration["system_database_url"] = f"sqlite:///{path}"
            configuration["system_database_engine"] = self._engine
        else:
            configuration["system_database_url"] = plain_url(self._store_url)
        return configuration


async def forget_strays(
    find_jobs: Callable[[Collection[UUID]], Awaitable[Collection[UUID]]], *, store_url: str, data_dir: Path
) -> int:
    """Delete every run, with what its steps gave, whose job is not there any more; how many that were.

    May be called in any process, also while workers run. The journal has to exist.

    Args:
        find_jobs: Says which of these jobs are there.
    """
    forgotten, kept = 0, 0
    async with _reader(store_url, data_dir) as client:
        while runs := await client.list_workflows_async(limit=BATCH, offset=kept, load_input=False, load_output=False):
            jobs = {one.workflow_id: UUID(one.workflow_id.partition(".")[0]) for one in runs}
            there = await find_jobs(set(jobs.values()))
            strays = [run for run, job in jobs.items() if job not in there]
            if strays:
                await client.delete_workflows_async(strays)
            forgotten, kept = forgotten + len(strays), kept + len(runs) - len(strays)
    return forgotten


@asynccontextmanager
async def _reader(store_url: str, data_dir: Path) -> AsyncIterator[DBOSClient]:
    """Looks into the journal without running anything."""
    _quieten()
    engine = _sqlite_engine(sqlite_path(data_dir)) if store_url.startswith("sqlite:") else None
    url = None if engine else plain_url(store_url)
    client = DBOSClient(
        system_database_url=url, system_database_engine=engine, serializer=_JsonSerializer(), lazy=True,
        system_database_pool_size=1,
    )  # fmt: skip
    try:
        yield client
    finally:
        await asyncio.to_thread(client.destroy)
        if engine is not None:
            engine.dispose()


class _JsonSerializer(Serializer):
    """Ours are plain values; DBOS's own serializer is pickle, and reading that means running what it says."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "muntin_json"


def _sqlite_engine(path: Path) -> sqlalchemy.Engine:
    """An own file with a write-ahead log: with SQLite's default journal DBOS is half as fast."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @sqlalchemy.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"  # as DBOS does with an engine of its own: writers take turns
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _quieten() -> None:
    """DBOS writes to stderr by itself unless its logger has a handler; ours gets what is worth saying."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = True
