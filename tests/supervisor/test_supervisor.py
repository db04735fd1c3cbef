"""The supervisor as a real process, with small real programs as its children."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

from muntin.supervisor import ChildPlan, Plan
from muntin.supervisor.launch import PLAN_VARIABLE

from .conftest import Starter, is_running, python, until

WEB = """
import asyncio, os, signal
from muntin.supervisor.child import Supervised

async def main():
    supervised = Supervised.attach()
    requests = set()

    async def answer(reader, writer):
        requests.add(asyncio.current_task())
        path = (await reader.readline()).split()[1].decode()
        if path == "/crash":
            os._exit(7)
        await asyncio.sleep(0.05)
        body = f"{supervised.name} {os.getpid()}".encode()
        writer.write(b"HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(body) + body)
        await writer.drain()
        writer.close()
        requests.discard(asyncio.current_task())

    server = await asyncio.start_server(answer, sock=supervised.listening_socket())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    supervised.ready()
    await stop.wait()
    server.close()
    await asyncio.sleep(0)
    if requests:
        await asyncio.wait(requests, timeout=2)

asyncio.run(main())
"""
NOTING = """
import os, signal, sys, time
from muntin.supervisor.child import Supervised
supervised = Supervised.attach()
def note(text):
    with open(sys.argv[1], "a") as file: file.write(f"{supervised.name} {text}\\n")
def stop(*_):
    note("stop"); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGUSR1, lambda *_: note("usr1"))
note(f"start {os.getpid()}")
supervised.ready()
while True: time.sleep(0.05)
"""
WAITING = """
import os, signal, sys, time
from muntin.supervisor.child import Supervised
supervised = Supervised.attach()
def note(text):
    with open(sys.argv[1], "a") as file: file.write(f"{text}\\n")
note("imported")
if not supervised.wait_for_go():
    note("never"); sys.exit(0)
note("serves")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
supervised.ready()
while True: time.sleep(0.05)
"""
MIGRATING = """
import os, sys, time
end = time.monotonic() + 8
while time.monotonic() < end and not (os.path.exists(sys.argv[1]) and os.path.getsize(sys.argv[1])): time.sleep(0.02)
with open(sys.argv[1], "a") as file: file.write("migrated\\n")
sys.exit(int(sys.argv[2]))
"""
STALLING = """
import asyncio, sys, time, types
from muntin.supervisor.child import Supervised
from muntin.supervisor.watchdog import Watchdog
plugin = types.ModuleType("muntin_greedy.work")
exec("import time\\ndef work(): time.sleep(8)", plugin.__dict__)
async def main():
    supervised = Supervised.attach()
    Watchdog(supervised, lambda module: "greedy" if module.startswith("muntin_greedy") else None).open()
    supervised.ready()
    await asyncio.sleep(0.1)
    try:
        open(sys.argv[1], "x").close()
    except FileExistsError:
        await asyncio.sleep(3600)
    plugin.work()
asyncio.run(main())
"""


def web(count: int = 1) -> ChildPlan:
    return ChildPlan(name="web", command=python(WEB), count=count, takes_socket=True, drain_s=5)


async def test_two_rolling_replacements_under_load_fail_no_request(supervise: Starter) -> None:
    panel = await supervise(Plan(children=(web(2),)))
    answers: list[str] = []
    failures: list[OSError] = []
    is_over = False

    async def ask() -> None:
        while not is_over:
            try:
                answers.append(await panel.get())
            except OSError as error:
                failures.append(error)

    clients = [asyncio.create_task(ask()) for _ in range(8)]
    await asyncio.sleep(0.3)
    panel.process.send_signal(signal.SIGHUP)
    await until(lambda: [topic for topic, _ in panel.heard].count("supervisor.rolled") == 1)
    panel.bus.publish("supervisor.roll", {"id": "second"})
    await until(lambda: ("supervisor.rolled", {"id": "second", "ok": True}) in panel.heard)
    await asyncio.sleep(0.3)
    is_over = True
    await asyncio.gather(*clients)

    assert failures == []
    assert all(answer.startswith("web.") for answer in answers)
    assert len(set(answers)) == 6  # two processes, three generations
    assert len(answers) > 50


async def test_child_that_dies_is_started_again(supervise: Starter) -> None:
    panel = await supervise(Plan(children=(web(),)))
    before = await panel.get()

    await panel.get("/crash")
    after = await panel.get()

    assert before != after
    assert before.split()[0] == after.split()[0] == "web.1"
    assert panel.events("web.1")[-3:] == ["died", "started", "ready"]


async def test_children_stop_in_order_and_get_the_signals(supervise: Starter, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    kinds = [ChildPlan(name=name, command=python(NOTING, str(notes))) for name in ("web", "worker", "agent")]
    panel = await supervise(Plan(children=tuple(kinds)))
    panel.process.send_signal(signal.SIGUSR1)
    await until(lambda: notes.read_text().count("usr1") == 3)

    code = await panel.stop(signal.SIGINT)

    lines = notes.read_text().splitlines()
    assert code == 0
    assert [line for line in lines if line.endswith("stop")] == ["web.1 stop", "worker.1 stop", "agent.1 stop"]


async def test_killed_supervisor_leaves_no_orphan(supervise: Starter, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    panel = await supervise(Plan(children=(ChildPlan(name="worker", command=python(NOTING, str(notes)), count=2),)))
    pids = [int(line.split()[2]) for line in notes.read_text().splitlines()]

    panel.process.kill()
    await until(lambda: not any(is_running(pid) for pid in pids))

    assert sorted(line for line in notes.read_text().splitlines() if line.endswith("stop")) == [
        "worker.1 stop",
        "worker.2 stop",
    ]


async def test_new_process_that_never_becomes_ready_leaves_the_old_one_serving(
    supervise: Starter, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    code = f"import os, time\nif os.path.exists({str(broken)!r}): time.sleep(60)\n{WEB}"
    panel = await supervise(
        Plan(children=(ChildPlan(name="web", command=python(code), takes_socket=True, ready_s=0.8),))
    )
    before = await panel.get()

    broken.touch()
    panel.bus.publish("supervisor.roll", {"id": "bad"})
    await until(lambda: ("supervisor.rolled", {"id": "bad", "ok": False}) in panel.heard)

    assert await panel.get() == before


async def test_processes_that_must_not_overlap_are_exchanged_one_after_the_other(
    supervise: Starter, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    panel = await supervise(
        Plan(children=(ChildPlan(name="agent", command=python(NOTING, str(notes)), overlaps=False),))
    )

    panel.bus.publish("supervisor.roll", {"id": "r"})
    await until(lambda: ("supervisor.rolled", {"id": "r", "ok": True}) in panel.heard)

    assert [line.split()[1] for line in notes.read_text().splitlines()] == ["start", "stop", "start"]


async def test_plugin_that_stalls_a_loop_is_quarantined_and_its_process_replaced(
    supervise: Starter, tmp_path: Path
) -> None:
    quarantined = tmp_path / "quarantined"
    panel = await supervise(
        Plan(
            children=(ChildPlan(name="web", command=python(STALLING, str(tmp_path / "once")), drain_s=0.5),),
            quarantine=python("import sys; open(sys.argv[1], 'w').write(sys.argv[2])", str(quarantined)),
        )
    )

    await until(lambda: any(topic == "supervisor.stalled" for topic, _ in panel.heard))
    [stall] = [data for topic, data in panel.heard if topic == "supervisor.stalled"]
    assert isinstance(stall, dict)
    assert (stall["name"], stall["plugin"]) == ("web.1", "greedy")
    assert "in work" in str(stall["stack"])
    await until(
        lambda: {"name": "web.1", "pid": stall["pid"], "event": "ready"} != panel.last_ready("web.1") is not None
    )
    assert quarantined.read_text() == "greedy"


async def test_roll_asked_for_by_several_children_with_one_id_happens_once(supervise: Starter, tmp_path: Path) -> None:
    asking = """
import sys, time
from muntin.supervisor.child import Supervised
supervised = Supervised.attach()
supervised.ready()
time.sleep(0.4)
supervised.roll({"id": "plugins-7"})
time.sleep(60)
"""
    panel = await supervise(Plan(children=(ChildPlan(name="web", command=python(asking), count=2, drain_s=0.1),)))

    await until(lambda: any(topic == "supervisor.rolled" for topic, _ in panel.heard))
    await asyncio.sleep(1)

    assert [data for topic, data in panel.heard if topic == "supervisor.rolled"] == [{"id": "plugins-7", "ok": True}]


async def run(plan: Plan) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "muntin.supervisor",
        env={**os.environ, PLAN_VARIABLE: plan.to_json()}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, said.decode()


async def test_port_that_is_taken_is_said_clearly_and_nothing_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        code, said = await run(Plan(bind=f"127.0.0.1:{port}", migrate=python(f"open({str(tmp_path / 'ran')!r}, 'w')")))

    assert code == 3
    assert said == (
        f"Port {port} on 127.0.0.1 is taken by another program. Stop that, or set MUNTIN_BIND to a free one.\n"
    )
    assert not (tmp_path / "ran").exists()


async def test_failed_migration_starts_no_child_and_says_so(tmp_path: Path) -> None:
    child = ChildPlan(name="web", command=python(f"open({str(tmp_path / 'ran')!r}, 'w')"))

    code, said = await run(Plan(migrate=python("raise SystemExit(9)"), children=(child,), log_format="json"))

    assert code == 4
    assert json.loads(said.splitlines()[-1])["message"] == "the migrate step ended with 9; nothing was started"
    assert not (tmp_path / "ran").exists()


async def test_plan_survives_its_way_through_the_environment() -> None:
    plan = Plan(bind="[::1]:1", migrate=("a",), children=(web(3),), log_format="json")

    assert Plan.from_json(plan.to_json()) == plan


def waiting(notes: Path, migrate_ends_with: int) -> Plan:
    child = ChildPlan(name="web", command=python(WAITING, str(notes)), waits_for_go=True)
    return Plan(children=(child,), migrate=python(MIGRATING, str(notes), str(migrate_ends_with)))


async def test_child_imports_during_the_migrate_step_and_serves_after_it(supervise: Starter, tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    await supervise(waiting(notes, 0))

    assert notes.read_text().split() == ["imported", "migrated", "serves"]


async def test_child_that_waits_never_serves_when_the_migrate_step_fails(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    plan = waiting(notes, 1)

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "muntin.supervisor", env={**os.environ, PLAN_VARIABLE: plan.to_json()}
    )
    code = await asyncio.wait_for(process.wait(), 30)

    assert code == 4
    assert notes.read_text().split() == ["imported", "migrated"]
