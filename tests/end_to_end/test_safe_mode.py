"""`MUNTIN_PLUGINS=none muntin up`: the core alone."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from .clients import Api
from .programs import Program


@pytest.mark.timeout(120)
async def test_panel_without_any_plugin_answers_for_the_core_and_knows_no_servers(tmp_path: Path) -> None:
    program = Program(tmp_path, {"MUNTIN_PLUGINS": "none", "MUNTIN_LOCAL_NODE": "always"})
    try:
        await program.start()
        async with httpx.AsyncClient(base_url=program.url, trust_env=False) as http:
            health = await http.get("/api/v1/health")
        async with await Api.sign_in(program.url) as session:
            account = await session.get("/account")
            servers = await session.refused("GET", "/servers")
        routes = json.loads(await program.command("routes", "--json"))
        agents = program.pids("agent")
    finally:
        await program.stop()

    assert health.status_code == 200
    assert account["role"]["name"] == "Admin"
    assert servers == (404, "not_found")
    assert {route["plugin"] for route in routes} == {"core"}
    assert agents == {}
