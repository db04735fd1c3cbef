"""A plugin comes, is upgraded and goes in a panel on PostgreSQL that answers all the while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from muntin.testing.stores import Store

from ..end_to_end.clients import Api
from ..end_to_end.programs import Program
from .wheels import WheelPlan

pytestmark = [
    pytest.mark.long,
    pytest.mark.postgres,
    pytest.mark.timeout(900),
    pytest.mark.parametrize("store_server", ["postgresql"], indirect=True, scope="session"),
]


@asynccontextmanager
async def asking(url: str, path: str) -> AsyncIterator[Counter[str]]:
    """Ask all the time, on connections that are kept; what came back, by status or name of the error."""
    answers: Counter[str] = Counter()

    async def ask() -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
            while True:
                answers[await _answer(client, path)] += 1
                await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(ask()) for _number in range(4)]
    try:
        yield answers
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _answer(client: httpx.AsyncClient, path: str) -> str:
    """As browsers do it: when a kept connection ends at the moment of asking, a GET is sent once more."""
    for closed_before in (False, True):
        try:
            return str((await client.get(path)).status_code)
        except httpx.RemoteProtocolError as error:
            if closed_before:
                return type(error).__name__
        except httpx.TransportError as error:
            return type(error).__name__
    raise AssertionError("unreachable")


async def test_no_request_of_others_fails_while_processes_are_replaced(store: Store, tmp_path: Path) -> None:
    variables = {
        "MUNTIN_PLUGINS": "notes", "MUNTIN_WEB_PROCESSES": "2", "MUNTIN_DATABASE_URL": store.empty(),
    }  # fmt: skip
    program = Program(tmp_path, variables)
    first, second = WheelPlan().write(tmp_path), WheelPlan(version="2.0", upto=2).write(tmp_path)
    await program.start()
    try:
        async with await Api.sign_in(program.url) as api, asking(program.url, "/readyz") as answers:
            await program.command("plugin", "install", str(first))
            installed = await api.post("/notes")
            await program.command("plugin", "upgrade", str(second))
            upgraded = await api.get("/notes")
            await program.command("plugin", "uninstall", "notes", "--purge")
            gone = await api.refused("GET", "/notes")
    finally:
        await program.stop()

    assert (installed["version"], upgraded, gone) == (
        "1.0", {"version": "2.0", "notes": ["written by 1.0"]}, (404, "not_found"),
    )  # fmt: skip
    assert set(answers) == {"200"}, answers
    assert answers["200"] > 100
