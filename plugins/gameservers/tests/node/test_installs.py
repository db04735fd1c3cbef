from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.docker
WAIT = "until [ -f /mnt/server/go ]; do sleep 0.1; done"


async def test_install_script_may_chown_and_write_anywhere_in_its_container(node: Any) -> None:
    script = (
        "mkdir -p /opt/tool && touch /opt/tool/x && cd /mnt/server\r\necho map > map.txt\nchown 1234:1234 map.txt\n"
    )

    uuid = await node.install(script + "grep -E 'CapEff|NoNew' /proc/self/status; id -u; echo $MAP")

    assert node.peer.installs[uuid] == [{"successful": True, "reinstall": False, "reason": ""}]
    output = (await node.call("GET", f"/api/servers/{uuid}/install-logs")).json()["data"].splitlines()
    assert output[1:] == ["NoNewPrivs:\t1", "0", "desert"]
    capabilities = int(output[0].removeprefix("CapEff:"), 16)
    assert capabilities & (1 << 13 | 1 << 27) == 0  # neither NET_RAW nor MKNOD
    assert capabilities & 0b1011 == 0b1011  # CHOWN, DAC_OVERRIDE, FOWNER stay
    assert (node.volume(uuid) / "map.txt").stat().st_uid == 988
    assert node.container(f"{uuid}_installer") is None
    assert not (node.folder / "tmp" / uuid).exists()


async def test_failing_script_is_reported_and_a_retry_works(node: Any) -> None:
    uuid = await node.install("echo no luck; exit 7")
    node.peer.scripts[uuid]["script"] = "echo fine"

    response = await node.call("POST", f"/api/servers/{uuid}/install")

    assert response.status_code == 202
    await node.until(lambda: len(node.peer.installs[uuid]) == 2)
    assert node.peer.installs[uuid] == [
        {"successful": False, "reinstall": False, "reason": "The install script ended with exit code 7."},
        {"successful": True, "reinstall": False, "reason": ""},
    ]
    assert (await node.call("GET", f"/api/servers/{uuid}/install-logs")).json() == {"data": "fine\n"}


async def test_missing_install_image_is_named(node: Any) -> None:
    uuid = node.describe("true")
    node.peer.scripts[uuid]["container_image"] = "no-such-image:7"

    await node.call("POST", "/api/servers", {"uuid": uuid})

    await node.until(lambda: node.peer.installs.get(uuid), timeout_s=40)
    report = node.peer.installs[uuid][0]
    assert report["successful"] is False
    assert report["reason"].startswith("The image no-such-image:7 is not on this node and could not be pulled: ")


async def test_fork_bomb_in_a_script_is_stopped(node: Any) -> None:
    uuid = await node.install("f() { f | f & }\nfor i in $(seq 100); do sleep 20 & done\necho unreached")

    report = node.peer.installs[uuid][0]
    assert report == {"successful": False, "reinstall": False, "reason": "The install script ended with exit code 2."}
    assert node.container(f"{uuid}_installer") is None


async def test_script_over_the_disk_limit_is_stopped(node: Any) -> None:
    uuid = await node.install("dd if=/dev/zero of=/mnt/server/big bs=1M count=8; sleep 60", build={"disk_space": 5})

    assert node.peer.installs[uuid] == [
        {
            "successful": False,
            "reinstall": False,
            "reason": "The disk limit is exceeded: its files take 8 MiB of 5 MiB.",
        }
    ]


async def test_script_that_runs_too_long_is_ended(lonely_node: Any) -> None:
    docker = lonely_node.config["docker"]
    lonely_node.configure(docker=docker | {"installer_limits": {"memory": 64, "timeout": 2}})
    await lonely_node.start()

    uuid = await lonely_node.install("sleep 60")

    assert lonely_node.peer.installs[uuid][0]["reason"] == "The install script ran longer than 2 s."
    assert lonely_node.container(f"{uuid}_installer") is None


async def test_script_that_takes_too_much_memory_fails(node: Any) -> None:
    uuid = await node.install("exec tail /dev/zero")

    assert node.peer.installs[uuid][0] == {
        "successful": False,
        "reinstall": False,
        "reason": "The install script ran out of memory.",
    }


async def test_installing_server_refuses_power_and_says_that_it_installs(node: Any) -> None:
    uuid = node.describe("sleep 3")
    await node.call("POST", "/api/servers", {"uuid": uuid})

    again = await node.call("POST", f"/api/servers/{uuid}/reinstall")
    repeated = await node.call("POST", "/api/servers", {"uuid": uuid})
    await node.call("POST", f"/api/servers/{uuid}/power", {"action": "start"})
    details = await node.details(uuid)

    assert (again.status_code, repeated.status_code) == (409, 202)
    assert (details["state"], details["is_installing"]) == ("offline", True)
    await node.until(lambda: node.peer.installs.get(uuid))
    assert len(node.peer.installs[uuid]) == 1


async def test_created_server_starts_on_completion_when_asked(node: Any) -> None:
    uuid = node.describe("echo ready")

    await node.call("POST", "/api/servers", {"uuid": uuid, "start_on_completion": True})

    await node.reach(uuid, "running")


async def test_reinstall_stops_the_server_and_keeps_its_files(node: Any) -> None:
    uuid = await node.running("echo one > /mnt/server/one")
    await node.ask(uuid, "touch /home/container/world")
    node.peer.scripts[uuid]["script"] = "echo two > /mnt/server/two"

    response = await node.call("POST", f"/api/servers/{uuid}/reinstall")

    assert response.status_code == 202
    await node.until(lambda: len(node.peer.installs[uuid]) == 2)
    assert node.peer.installs[uuid][1] == {"successful": True, "reinstall": True, "reason": ""}
    assert sorted(path.name for path in node.volume(uuid).iterdir()) == ["one", "two", "world"]
    assert (await node.details(uuid))["state"] == "offline"


async def test_reinstall_with_wipe_begins_with_an_empty_folder(node: Any) -> None:
    uuid = await node.running("echo one > /mnt/server/one")
    await node.ask(uuid, "mkdir /home/container/world; touch /home/container/world/chunk")
    node.peer.scripts[uuid]["script"] = "echo two > /mnt/server/two"

    response = await node.call("POST", f"/api/servers/{uuid}/reinstall", {"wipe": True})

    assert response.status_code == 202
    await node.until(lambda: len(node.peer.installs[uuid]) == 2)
    assert node.peer.installs[uuid][1] == {"successful": True, "reinstall": True, "reason": ""}
    assert sorted(path.name for path in node.volume(uuid).iterdir()) == ["two"]


async def test_deletion_ends_an_install_and_leaves_nothing(node: Any) -> None:
    uuid = node.describe("echo begun; sleep 60")
    await node.call("POST", "/api/servers", {"uuid": uuid})
    await node.until(lambda: node.container(f"{uuid}_installer"))

    response = await node.call("DELETE", f"/api/servers/{uuid}")

    assert response.status_code == 204
    await node.until(lambda: not node.volume(uuid).exists())
    assert node.container(f"{uuid}_installer") is None
    assert list(node.folder.rglob(f"*{uuid}*")) == []
    assert (await node.call("GET", f"/api/servers/{uuid}")).status_code == 404
    assert uuid not in node.peer.installs


async def test_deletion_of_a_running_server_leaves_nothing(node: Any) -> None:
    uuid = await node.running("echo x > /mnt/server/x")

    response = await node.call("DELETE", f"/api/servers/{uuid}")

    assert response.status_code == 204
    assert node.container(uuid) is None
    await node.until(lambda: list(node.folder.rglob(f"*{uuid}*")) == [])
    await node.until(lambda: uuid not in (node.folder / "states.json").read_text())
    assert (await node.call("DELETE", f"/api/servers/{uuid}")).status_code == 404


async def test_who_comes_during_an_install_sees_it_from_its_start_and_no_earlier_one(node: Any) -> None:
    uuid = await node.install("echo of an earlier install")
    node.peer.scripts[uuid]["script"] = f"echo first; {WAIT}; echo second"
    admin = node.token(uuid, "*", "admin.websocket.install")
    await node.call("POST", f"/api/servers/{uuid}/reinstall")
    async with node.socket(uuid, admin) as early:
        await node.until(lambda: early.has("install output", "first"))

    async with node.socket(uuid, admin) as late:
        await node.until(lambda: late.has("install output", "first"))
        (node.volume(uuid) / "go").touch()
        await node.until(lambda: late.has("install completed"))

    assert late.args("install output") == ["first", "second"]


async def test_install_output_is_seen_live_by_those_who_may(node: Any) -> None:
    uuid = await node.install("true")
    node.peer.scripts[uuid]["script"] = f"echo first; {WAIT}; echo second"
    admin = node.token(uuid, "*", "admin.websocket.install")

    async with node.socket(uuid, admin) as seeing, node.socket(uuid, node.token(uuid, "*")) as other:
        await node.call("POST", f"/api/servers/{uuid}/reinstall")
        await node.until(lambda: seeing.has("install output", "first"))
        saw_second_at_once = seeing.has("install output", "second")
        (node.volume(uuid) / "go").touch()
        await node.until(lambda: seeing.has("install completed") and other.has("install completed"))

    assert saw_second_at_once is False
    assert seeing.args("install output") == ["first", "second"]
    assert other.args("install output") == []
    assert other.args("install started") == [""]
