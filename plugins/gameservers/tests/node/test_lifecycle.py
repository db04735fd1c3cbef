from __future__ import annotations

import socket
import time
from typing import Any
from uuid import uuid4

import pytest

pytestmark = pytest.mark.docker


def outcome(details: dict[str, Any]) -> tuple[int, bool, str]:
    exit_ = details["last_exit"]
    return exit_["code"], exit_["oom"], exit_["reason"]


async def test_server_starts_becomes_ready_and_stops_by_its_command(node: Any) -> None:
    uuid = await node.install()

    await node.power(uuid, "start", "running")
    said = await node.says(uuid, "game starts")
    await node.power(uuid, "stop", "offline")

    assert said == "game starts as 988 with: ./game --map desert"
    assert outcome(await node.details(uuid)) == (0, False, "stopped")
    await node.until(lambda: node.peer.states[uuid] == ["starting", "running", "stopping", "offline"])


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ({"type": "signal", "value": "C"}, "caught INT"),
        ({"type": "signal", "value": "SIGTERM"}, "caught TERM"),
        ({"type": "stop", "value": ""}, "caught TERM"),
    ],
)
async def test_server_stops_by_signal_or_by_the_engine(node: Any, stop: dict[str, str], said: str) -> None:
    uuid = await node.running(process={"stop": stop})

    await node.power(uuid, "stop", "offline")

    assert said in await node.lines(uuid)
    assert outcome(await node.details(uuid)) == (0, False, "stopped")


async def test_kill_ends_a_server_that_does_not_stop(node: Any) -> None:
    uuid = await node.running(process={"stop": {"type": "signal", "value": "TERM"}})
    await node.call("POST", f"/api/servers/{uuid}/commands", {"commands": ["stubborn"]})
    await node.says(uuid, "will not stop")
    await node.power(uuid, "stop", "stopping")

    await node.power(uuid, "kill", "offline")

    assert outcome(await node.details(uuid)) == (137, False, "killed")


async def test_restart_makes_the_container_anew(node: Any) -> None:
    uuid = await node.running()
    before = node.container(uuid)["Id"]

    await node.call("POST", f"/api/servers/{uuid}/power", {"action": "restart"})

    await node.until(lambda: (node.container(uuid) or {"Id": before})["Id"] != before)
    await node.reach(uuid, "running")
    await node.until(lambda: node.peer.states[uuid][2:] == ["stopping", "offline", "starting", "running"])


async def test_start_fetches_the_settings_of_the_panel_first(node: Any) -> None:
    uuid = await node.install()
    node.peer.servers[uuid]["settings"]["environment"]["MAP"] = "island"

    await node.power(uuid, "start", "running")

    assert await node.says(uuid, "game starts") == "game starts as 988 with: ./game --map island"


async def test_typed_stop_command_is_no_crash(node: Any) -> None:
    uuid = await node.running()

    response = await node.call("POST", f"/api/servers/{uuid}/commands", {"commands": ["stop"]})

    assert response.status_code == 204
    await node.reach(uuid, "offline")
    assert outcome(await node.details(uuid)) == (0, False, "stopped by command")


async def test_crashed_server_is_started_again_but_not_a_second_time_within_a_minute(node: Any) -> None:
    uuid = await node.running()

    await node.call("POST", f"/api/servers/{uuid}/commands", {"commands": ["quit 3"]})
    await node.says(uuid, "is started again")
    await node.reach(uuid, "running")
    await node.call("POST", f"/api/servers/{uuid}/commands", {"commands": ["quit 4"]})
    await node.says(uuid, "so it stays offline")

    details = await node.details(uuid)
    assert (details["state"], *outcome(details)) == ("offline", 4, False, "its process ended with exit code 4")
    assert details["utilization"]["memory_bytes"] == 0


async def test_crash_detection_that_is_off_leaves_the_server_offline(node: Any) -> None:
    uuid = await node.running(crash_detection_enabled=False)

    await node.call("POST", f"/api/servers/{uuid}/commands", {"commands": ["quit 3"]})

    await node.says(uuid, "Crash detection is off")
    assert (await node.details(uuid))["state"] == "offline"


async def test_server_that_runs_out_of_memory_says_so(node: Any) -> None:
    uuid = await node.running(crash_detection_enabled=False)

    await node.call("POST", f"/api/servers/{uuid}/commands", {"commands": ["do exec tail /dev/zero"]})

    await node.reach(uuid, "offline")
    assert outcome(await node.details(uuid)) == (137, True, "it ran out of memory")


async def test_server_over_its_disk_limit_is_stopped_and_may_not_start(node: Any) -> None:
    uuid = await node.running(build={"disk_space": 5})

    await node.ask(uuid, "dd if=/dev/zero of=/home/container/big bs=1M count=8 2>/dev/null")
    await node.reach(uuid, "offline")
    code, _, reason = outcome(await node.details(uuid))
    await node.call("POST", f"/api/servers/{uuid}/power", {"action": "start"})
    refusal = await node.says(uuid, "disk limit is exceeded: its")

    assert (code, reason) == (0, "disk limit exceeded: its files take 8 MiB of 5 MiB")
    assert refusal.endswith("The disk limit is exceeded: its files take 8 MiB of 5 MiB.")
    assert (await node.details(uuid))["state"] == "offline"


async def test_start_without_image_says_which_one_is_missing_and_leaves_no_container(node: Any) -> None:
    uuid = await node.install(container={"image": "~no-such-image:7"})

    await node.call("POST", f"/api/servers/{uuid}/power", {"action": "start"})

    said = await node.says(uuid, "no-such-image")
    assert said.endswith("The image no-such-image:7 is not on this node and is never pulled (~).")
    await node.reach(uuid, "offline")
    assert outcome(await node.details(uuid))[0] == -1
    assert node.container(uuid) is None


async def test_start_on_a_taken_port_fails_with_the_reason_and_works_once_it_is_free(node: Any) -> None:
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        allocations = {"default": {"ip": "127.0.0.2", "port": port}, "mappings": {"127.0.0.2": [port]}}
        uuid = await node.install(allocations=allocations)
        await node.call("POST", f"/api/servers/{uuid}/power", {"action": "start"})
        said = await node.says(uuid, "could not be started")
        await node.reach(uuid, "offline")
        left = node.container(uuid)

    await node.power(uuid, "start", "running")

    assert "address already in use" in said
    assert left is None
    await node.until(lambda: node.peer.states[uuid] == ["starting", "stopping", "offline", "starting", "running"])
    assert sorted(node.container(uuid)["HostConfig"]["PortBindings"]) == [f"{port}/tcp", f"{port}/udp"]


async def test_suspended_server_may_not_start_and_is_stopped_by_a_sync(node: Any) -> None:
    uuid = await node.running()
    node.peer.servers[uuid]["settings"]["suspended"] = True

    synchronised = await node.call("POST", f"/api/servers/{uuid}/sync")
    await node.reach(uuid, "offline")
    started = await node.call("POST", f"/api/servers/{uuid}/power", {"action": "start"})

    assert (synchronised.status_code, started.status_code) == (204, 400)
    assert started.json()["error"] == "The server is suspended and cannot be started."


async def test_sync_changes_limits_of_a_running_server(node: Any) -> None:
    uuid = await node.running()
    node.peer.servers[uuid]["settings"]["build"] |= {"memory_limit": 100, "cpu_limit": 150}

    await node.call("POST", f"/api/servers/{uuid}/sync")

    await node.until(lambda: node.container(uuid)["HostConfig"]["Memory"] == 115 * 1024 * 1024)
    assert node.container(uuid)["HostConfig"]["CpuQuota"] == 150_000


async def test_figures_of_a_running_server_are_those_of_its_control_group(node: Any) -> None:
    uuid = await node.running()

    async def usage() -> Any:
        found = (await node.details(uuid))["utilization"]
        return found if found["memory_bytes"] else None

    found = await node.until(usage)

    assert found["memory_limit_bytes"] == 74 * 1024 * 1024
    assert 0 < found["memory_bytes"] < found["memory_limit_bytes"]
    assert found["uptime"] > 0
    assert found["state"] == "running"


async def test_power_call_answers_within_the_time_people_do_not_notice(node: Any) -> None:
    uuid = await node.running()
    took_s = []

    for _ in range(11):
        began_s = time.perf_counter()
        await node.call("POST", f"/api/servers/{uuid}/power", {"action": "start", "wait_seconds": 0})
        took_s.append(time.perf_counter() - began_s)

    assert sorted(took_s)[5] < 0.5
    assert (await node.details(uuid))["state"] == "running"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/servers/{uuid}/power", {"action": "explode"}, 422),
        ("POST", "/api/servers/{uuid}/power", {}, 400),
        ("POST", "/api/servers/{uuid}/commands", {"commands": ["help"]}, 502),
        ("POST", "/api/servers/{uuid}/commands", {"commands": "help"}, 400),
        ("POST", "/api/servers", {"uuid": "1"}, 422),
        ("POST", "/api/servers", {}, 400),
        ("GET", "/api/servers/{other}", None, 404),
        ("POST", "/api/servers/{other}/power", {"action": "start"}, 404),
        ("DELETE", "/api/servers/{other}", None, 404),
        ("DELETE", "/api/servers/..%2f..%2fetc", None, 404),
        ("GET", "/api/servers/{uuid}/files/contents", None, 404),
    ],
)
async def test_wrong_calls_get_the_statuses_of_the_protocol(
    node: Any, method: str, path: str, body: Any, status: int
) -> None:
    uuid = await node.install()

    response = await node.call(method, path.format(uuid=uuid, other=uuid4()), body)

    assert response.status_code == status


async def test_calls_need_the_nodes_token(node: Any) -> None:
    uuid = await node.install()

    answers = [(await node.call("GET", f"/api/servers/{uuid}", token=token)).status_code for token in ("", "x" * 64)]

    assert answers == [401, 403]
