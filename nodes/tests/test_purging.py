"""A purged plugin's half deletes what it keeps on the node; twice changes nothing more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from muntin_node.context import NodeContext
from muntin_node.contributions import NodeHalf, RunningHalf


def keeping_half(log: list[str], folders: list[Path], *, failing: bool = False) -> NodeHalf:
    """A half that keeps a file, and something elsewhere."""

    async def start(context: NodeContext) -> RunningHalf:
        (context.data_dir / "kept").write_text("x")
        folders.append(context.data_dir)

        async def close() -> None:
            log.append("closed")

        async def purge() -> None:
            if failing:
                raise RuntimeError("it is in use")
            log.append("purged")

        return RunningHalf(close=close, purge=purge)

    return NodeHalf(name="notes", version="1.0", start=start)


async def test_purged_half_is_closed_then_deletes_what_it_keeps_and_its_folder_goes(
    start_agent: Callable[..., Any],
) -> None:
    log: list[str] = []
    folders: list[Path] = []
    async with start_agent([keeping_half(log, folders)]) as agent:
        answers = [await agent.call("DELETE", "/api/halves/notes") for _time in range(2)]

    assert [one.status_code for one in answers] == [204, 204]
    assert log == ["closed", "purged"]
    assert not folders[0].exists()


async def test_half_that_cannot_delete_everything_keeps_its_folder_and_the_panel_hears_of_it(
    start_agent: Callable[..., Any],
) -> None:
    folders: list[Path] = []
    async with start_agent([keeping_half([], folders, failing=True)]) as agent:
        answer = await agent.call("DELETE", "/api/halves/notes")

    assert answer.status_code == 500
    assert folders[0].exists()


async def test_folder_of_a_half_that_is_not_installed_any_more_goes_too(
    start_agent: Callable[..., Any],
) -> None:
    folders: list[Path] = []
    async with start_agent([keeping_half([], folders)]) as agent:
        left = folders[0].parent / "older"
        left.mkdir()
        answer = await agent.call("DELETE", "/api/halves/older")

    assert answer.status_code == 204
    assert not left.exists()
    assert folders[0].exists()


async def test_name_that_leads_elsewhere_is_no_half_and_nobody_may_ask_without_the_token(
    start_agent: Callable[..., Any],
) -> None:
    folders: list[Path] = []
    async with start_agent([keeping_half([], folders)]) as agent:
        elsewhere = [
            (await agent.call("DELETE", f"/api/halves/{name}")).status_code
            for name in ("..", "%2e%2e", "a%2fb", "-rf", "NOTES", "x" * 100)
        ]
        stranger = await agent.call("DELETE", "/api/halves/notes", token=None)

    assert set(elsewhere) <= {404, 405}
    assert stranger.status_code == 401
    assert folders[0].exists()
