from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from muntin_node.errors import Conflict, Unavailable
from muntin_node.processes import Limits, Processes

ENV = {"PATH": "/usr/bin:/bin"}
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    processes = Processes()
    yield processes
    await processes.close(timeout_s=1)


def arguments_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def start_python(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def run_shell(processes: Processes, tmp_path: Path, script: str, **options: Any) -> tuple[int, list[str]]:
    lines: list[str] = []
    process = await processes.start(["sh", "-c", script], cwd=tmp_path, env=ENV, on_line=lines.append, **options)
    return await asyncio.wait_for(process.wait(), 60), lines


async def test_a_program_runs_in_its_folder_with_its_environment_only(processes: Processes, tmp_path: Path) -> None:
    lines: list[str] = []

    process = await processes.start(
        ["sh", "-c", 'pwd; env | cut -d= -f1 | sort | tr "\\n" " "; echo; echo oops >&2; exit 3'],
        cwd=tmp_path,
        env=ENV | {"COLOUR": "red"},
        on_line=lines.append,
    )
    code = await process.wait()

    assert code == 3
    assert lines == [str(tmp_path), "COLOUR MUNTIN_NODE_PROCESS PATH PWD ", "oops"]
    assert processes.running == ()


async def test_input_reaches_the_program(processes: Processes, tmp_path: Path, eventually: Eventually) -> None:
    lines: list[str] = []
    process = await processes.start(
        ["sh", "-c", 'while read line; do echo "got $line"; done'],
        cwd=tmp_path,
        env=ENV,
        stdin=True,
        on_line=lines.append,
    )

    process.write("one\n")
    process.write("two\n")
    await eventually(lambda: len(lines) == 2)
    code = await process.stop(timeout_s=5)

    assert (lines, code) == (["got one", "got two"], -signal.SIGTERM)
    with pytest.raises(Unavailable):
        process.write("late\n")


async def test_a_program_that_does_not_read_costs_no_memory(processes: Processes, tmp_path: Path) -> None:
    process = await processes.start(["sleep", "60"], cwd=tmp_path, env=ENV, stdin=True)

    with pytest.raises(Conflict):
        for _ in range(40):
            process.write("x" * 8_192)

    process.kill()
    assert await process.wait() == -signal.SIGKILL


async def test_output_without_line_ends_is_cut_and_a_flood_does_not_block_the_loop(
    processes: Processes, tmp_path: Path
) -> None:
    sizes: list[int] = []
    process = await processes.start(
        ["sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x"],
        cwd=tmp_path,
        env=ENV,
        on_line=lambda line: sizes.append(len(line)),
    )
    worst_s, ended = 0.0, asyncio.ensure_future(process.wait())
    while not ended.done():
        began_s = time.thread_time()  # what the loop itself works; others may have the processor meanwhile
        await asyncio.sleep(0.001)
        worst_s = max(worst_s, time.thread_time() - began_s)

    assert (sum(sizes), max(sizes), ended.result()) == (5_000_000, 65_536, 0)
    assert worst_s < 0.3


async def test_a_callback_that_raises_does_not_stop_the_reading(processes: Processes, tmp_path: Path) -> None:
    seen: list[str] = []

    def callback(line: str) -> None:
        seen.append(line)
        raise RuntimeError("a half's bug")

    process = await processes.start(["sh", "-c", "echo a; echo b"], cwd=tmp_path, env=ENV, on_line=callback)

    assert (await process.wait(), seen) == (0, ["a", "b"])


async def test_a_program_that_ignores_the_signal_is_killed_in_time(
    processes: Processes, tmp_path: Path, eventually: Eventually
) -> None:
    lines: list[str] = []
    process = await processes.start(
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"],
        cwd=tmp_path,
        env=ENV,
        on_line=lines.append,
    )
    await eventually(lambda: bool(lines))
    started_s = time.monotonic()

    code = await process.stop(timeout_s=0.3)

    assert code == -signal.SIGKILL
    assert time.monotonic() - started_s >= 0.3


async def test_limits_hold_in_the_program(processes: Processes, tmp_path: Path) -> None:
    limits = Limits(open_files=20, file_bytes=4_096, memory_bytes=50_000_000, cpu_s=1)

    code, lines = await run_shell(processes, tmp_path, "ulimit -n; ulimit -c; ulimit -v; ulimit -t", limits=limits)
    spinning, _ = await run_shell(processes, tmp_path, "while :; do :; done", limits=limits)
    writing, _ = await run_shell(processes, tmp_path, "exec head -c 100000 /dev/zero > big", limits=limits)

    assert (code, lines) == (0, ["20", "0", "48828", "1"])
    assert spinning in (-signal.SIGKILL, -signal.SIGXCPU)
    assert (writing, (tmp_path / "big").stat().st_size) == (-signal.SIGXFSZ, 4_096)


@pytest.mark.skipif(os.getuid() != 0, reason="changing the user wants root")
async def test_a_program_runs_as_its_user_without_more_groups_or_privileges(
    processes: Processes, tmp_path: Path
) -> None:
    script = "id -u; id -g; id -G; grep NoNewPrivs /proc/self/status; grep CapEff /proc/self/status"

    _, lines = await run_shell(processes, Path("/"), script, uid=54_321, gid=54_322)

    assert [line.split()[-1] for line in lines] == ["54321", "54322", "54322", "1", "0000000000000000"]


@pytest.mark.skipif(os.getuid() != 0, reason="changing the user wants root")
async def test_a_fork_bomb_hits_its_limit(processes: Processes, tmp_path: Path, eventually: Eventually) -> None:
    lines: list[str] = []
    process = await processes.start(
        ["sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 30"],
        cwd=Path("/"),
        env=ENV,
        uid=54_399,
        gid=54_399,
        limits=Limits(processes=25),
        on_line=lines.append,
    )
    await eventually(lambda: any("fork" in line for line in lines))

    process.kill()
    await process.wait()

    def of_user() -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and entry.exists() and alive(int(entry.name)):
                try:
                    found += [int(entry.name)] if entry.stat().st_uid == 54_399 else []
                except OSError:
                    continue
        return found

    await eventually(lambda: of_user() == [])


async def test_a_program_that_cannot_start_says_why(processes: Processes, tmp_path: Path) -> None:
    lines: list[str] = []

    process = await processes.start(["/no/such/program"], cwd=tmp_path, env=ENV, on_line=lines.append)

    assert (await process.wait(), len(lines)) == (127, 1)
    assert "No such file" in lines[0]


async def test_secrets_of_the_environment_are_in_no_argument_list(processes: Processes, tmp_path: Path) -> None:
    process = await processes.start(["sleep", "60"], cwd=tmp_path, env=ENV | {"PASSWORD": "canary-5512"})
    seen = [arguments_of(process.pid) for _ in range(200)]

    process.kill()
    await process.wait()

    assert not any(b"canary" in item for item in seen)


@pytest.mark.parametrize("flee", ["sleep 300 &", "setsid sleep 300 &", "setsid setsid sh -c 'sleep 300 & sleep 300' &"])
async def test_nothing_is_left_of_a_program_that_ended(
    processes: Processes, tmp_path: Path, eventually: Eventually, flee: str
) -> None:
    process = await processes.start(["sh", "-c", f"{flee} sleep 0.2"], cwd=tmp_path, env=ENV)
    mark = f"MUNTIN_NODE_PROCESS={process.mark}".encode()

    def left() -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                found += [int(entry.name)] if entry.name.isdigit() and mark in (entry / "environ").read_bytes() else []
            except OSError:
                continue
        return found

    await eventually(lambda: len(left()) >= 2)
    await process.wait()

    await eventually(lambda: left() == [])


async def test_the_whole_process_group_ends_with_its_first_process(
    processes: Processes, tmp_path: Path, eventually: Eventually
) -> None:
    code, lines = await run_shell(processes, tmp_path, "env -i sleep 300 & echo $!; sleep 0.1")

    assert code == 0
    await eventually(lambda: not alive(int(lines[0])))


async def test_closing_ends_everything_that_runs(tmp_path: Path, eventually: Eventually) -> None:
    processes = Processes()
    started = [
        await processes.start(["sh", "-c", "trap '' TERM; sleep 300 & sleep 300"], cwd=tmp_path, env=ENV)
        for _ in range(3)
    ]
    await asyncio.sleep(0.3)

    await processes.close(timeout_s=0.2)

    assert [alive(process.pid) for process in started] == [False] * 3
    assert processes.running == ()
    with pytest.raises(Unavailable):
        await processes.start(["true"], cwd=tmp_path, env=ENV)


async def test_programs_die_with_an_agent_that_was_killed(tmp_path: Path, eventually: Eventually) -> None:
    script = (
        "import asyncio, pathlib\n"
        "from muntin_node.processes import Processes\n"
        "async def main():\n"
        f"    p = await Processes().start(['sleep', '300'], cwd=pathlib.Path('{tmp_path}'), env={ENV!r})\n"
        "    await asyncio.sleep(0.5)\n"
        "    print(p.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with start_python(script) as agent:
        assert agent.stdout is not None
        pid = int(await asyncio.to_thread(agent.stdout.readline))
        was_alive = alive(pid)

        agent.kill()

        await eventually(lambda: not alive(pid))
    assert was_alive
