from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from muntin_gameservers.contract import Allocations, BuildLimits, LastExit, ServerSettings, StartupDetection
from muntin_gameservers.node.containers.environment import container_environment
from muntin_gameservers.node.containers.images import credentials
from muntin_gameservers.node.containers.limits import install_limits, run_limits
from muntin_gameservers.node.containers.ports import port_bindings
from muntin_gameservers.node.containers.specification import plain_start
from muntin_gameservers.node.servers.console_memory import unseen
from muntin_gameservers.node.servers.crash_policy import CrashPolicy, Verdict
from muntin_gameservers.node.servers.power import signal_name
from muntin_gameservers.node.servers.readiness import Readiness
from muntin_gameservers.node.servers.terminal_lines import LineSplitter, Throttle, joined
from muntin_node.config import NodeConfig
from muntin_node.config_sections import CrashDetectionSection, DockerSection, RegistrySection, ThrottlesSection

MIB = 1024 * 1024


def settings(**changes: Any) -> ServerSettings:
    return ServerSettings.model_validate({"uuid": "u", "container": {"image": "x"}} | changes)


def test_node_half_imports_neither_the_panel_nor_its_database() -> None:
    code = (
        "import sys, muntin_gameservers.node.plugin, muntin_gameservers.contract;"
        "print([name for name in sys.modules if name.split('.')[0] in ('muntin', 'tortoise')])"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_lines_are_cut_at_line_ends_and_at_64_kib() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b"one\r\ntw") == ["one"]
    assert splitter.feed(b"o\nprogress \rnext\n") == ["two", "progress", "next"]
    assert [len(line) for line in splitter.feed(b"x" * 70_000)] == [65_536]
    assert splitter.feed(b"\n") == ["x" * (70_000 - 65_536)]
    assert splitter.feed(b"\xff") == []
    assert splitter.finish() == ["\ufffd"]


def test_throttle_lets_lines_pass_per_window_and_warns_once() -> None:
    now = [0.0]
    throttle, limits = Throttle(lambda: now[0]), ThrottlesSection(lines=2, line_reset_interval=100)

    first = [throttle.admit(limits) for _ in range(4)]
    now[0] = 0.1

    assert first == [(True, False), (True, False), (False, True), (False, False)]
    assert throttle.admit(limits) == (True, False)


def test_two_views_of_a_console_are_joined_without_doubled_lines() -> None:
    assert joined(["a", "b", "c"], ["b", "c", "d"]) == ["a", "b", "c", "d"]
    assert joined(["a"], ["b"]) == ["a", "b"]
    assert joined([], ["b"]) == ["b"]
    assert joined(["a", "a"], ["a", "a"]) == ["a", "a"]


def test_lines_of_a_log_behind_those_shown_are_found() -> None:
    assert unseen(["a", "b"], ["x", "a", "b", "c"]) == ["c"]
    assert unseen(["a"] * 3, ["a"] * 5) == []
    assert unseen(["gone"], ["a", "b"]) == ["a", "b"]
    assert unseen([], ["a"]) == ["a"]
    assert unseen(["z", "a", "b"], ["a", "b"]) == []


@pytest.mark.parametrize(
    ("done", "strip", "line", "ready"),
    [
        (["Done ("], False, "[12:00] Done (3.2s)!", True),
        (["regex:^Done \\(\\d+"], False, "Done (3", True),
        (["regex:^Done"], False, "not Done", False),
        (["regex:(", "Done"], False, "Done", True),
        (["Server up"], True, "\x1b[32mServer\x1b[0m up", True),
        (["Server up"], False, "\x1b[32mServer\x1b[0m up", False),
        (["", "x"], False, "anything", False),
    ],
)
def test_ready_lines(done: list[str], strip: bool, line: str, ready: bool) -> None:
    readiness = Readiness.from_contract(StartupDetection(done=done, strip_ansi=strip))

    assert readiness.said_by(line) is ready


def test_pattern_that_makes_other_engines_hang_takes_no_time() -> None:
    readiness = Readiness.from_contract(StartupDetection(done=["regex:^(a+)+$"]))
    began_s = time.process_time()

    assert readiness.said_by("a" * 60_000 + "b") is False
    assert time.process_time() - began_s < 2


@pytest.mark.parametrize(
    ("code", "enabled", "section", "seconds", "verdicts"),
    [
        (1, None, {}, [0.0, 59.0, 120.0], [Verdict.RESTART, Verdict.TOO_SOON, Verdict.RESTART]),
        (1, None, {"timeout": 0}, [0.0, 1.0], [Verdict.RESTART, Verdict.RESTART]),
        (0, None, {}, [0.0], [Verdict.RESTART]),
        (0, None, {"detect_clean_exit_as_crash": False}, [0.0], [Verdict.CLEAN]),
        (1, False, {}, [0.0], [Verdict.DISABLED]),
        (1, None, {"enabled": False}, [0.0], [Verdict.DISABLED]),
        (1, True, {"enabled": False}, [0.0], [Verdict.RESTART]),
    ],
)
def test_crashes_are_judged(
    code: int, enabled: bool | None, section: dict[str, Any], seconds: list[float], verdicts: list[Verdict]
) -> None:
    policy, detection = CrashPolicy(), CrashDetectionSection(**section)
    last = LastExit(code=code, oom=False, at="2026-01-01T00:00:00+00:00", reason="")

    assert [policy.judge(last, detection, enabled=enabled, now_s=now_s) for now_s in seconds] == verdicts


@pytest.mark.parametrize(("memory_mib", "hard_mib"), [(0, 0), (1024, 1178), (2048, 2355), (4096, 4506), (8192, 8602)])
def test_hard_memory_limit_leaves_room_for_the_runtime(memory_mib: int, hard_mib: int) -> None:
    assert run_limits(BuildLimits(memory_limit=memory_mib), NodeConfig()).hard_memory_bytes == hard_mib * MIB


def test_swap_is_counted_on_top_and_unlimited_where_asked() -> None:
    swaps = [run_limits(BuildLimits(memory_limit=1000, swap=swap), NodeConfig()) for swap in (0, 500, -1)]

    assert [limits.memory_swap_bytes for limits in swaps] == [1150 * MIB, 1650 * MIB, -1]


def test_installer_gets_at_least_its_floor() -> None:
    config = NodeConfig()
    small, unlimited = BuildLimits(memory_limit=100, cpu_limit=50), BuildLimits()

    assert (install_limits(small, config).memory_mib, install_limits(small, config).cpu_percent) == (1024, 100)
    assert (install_limits(unlimited, config).memory_mib, install_limits(unlimited, config).cpu_percent) == (1024, 0)


def test_pterodactyls_word_for_the_memory_killer_is_understood() -> None:
    assert BuildLimits.model_validate({"oom_disabled": True}).oom_killer is False
    assert BuildLimits.model_validate({"oom_disabled": True, "oom_killer": True}).oom_killer is True


def test_environment_has_fixed_names_first_and_fills_the_startup_command() -> None:
    server = settings(
        environment={"map": "desert", "STARTUP": "ignored", "SERVER_IP": "ignored", "N": 5, "E": None},
        invocation="./game {{MAP}} {{SERVER_PORT}} {{UNKNOWN}} [[KEPT]]",
        build={"memory_limit": 512},
        allocations={"default": {"ip": "127.0.0.1", "port": 26000}, "mappings": []},
    )

    environment = container_environment(server, timezone="", interface="172.18.0.1")

    assert list(environment.items()) == [
        ("TZ", "UTC"),
        ("STARTUP", "./game desert 26000 {{UNKNOWN}} [[KEPT]]"),
        ("SERVER_MEMORY", "512"),
        ("SERVER_IP", "172.18.0.1"),
        ("SERVER_PORT", "26000"),
        ("MAP", "desert"),
        ("N", "5"),
        ("E", ""),
    ]


def test_ports_are_bound_for_both_protocols_and_loopback_becomes_the_interface() -> None:
    allocations = Allocations(mappings={"127.0.0.1": [1000], "10.0.0.1": [1000, 70000]})

    assert port_bindings(allocations, interface="172.18.0.1", isolated=False) == {
        "1000/tcp": [{"HostIp": "172.18.0.1", "HostPort": "1000"}, {"HostIp": "10.0.0.1", "HostPort": "1000"}],
        "1000/udp": [{"HostIp": "172.18.0.1", "HostPort": "1000"}, {"HostIp": "10.0.0.1", "HostPort": "1000"}],
    }
    assert port_bindings(allocations, interface="172.18.0.1", isolated=True)["1000/tcp"] == [
        {"HostIp": "10.0.0.1", "HostPort": "1000"}
    ]


@pytest.mark.parametrize(
    ("value", "name"), [("C", "SIGINT"), ("^C", "SIGINT"), ("sigterm", "SIGTERM"), ("INT", "SIGINT"), ("9", "9")]
)
def test_signals_get_the_engines_names(value: str, name: str) -> None:
    assert signal_name(value) == name


def test_registry_log_in_is_that_of_the_longest_fitting_name() -> None:
    registries = {name: RegistrySection(username=name) for name in ("ghcr.io", "ghcr.io/games", "ghcr.i")}
    config = NodeConfig(docker=DockerSection(registries=registries))

    found = [credentials(image, config) for image in ("ghcr.io/games/x:1", "ghcr.io/y", "ghcr.io.evil/z", "x")]

    assert [entry and entry["username"] for entry in found] == ["ghcr.io/games", "ghcr.io", None, None]


@pytest.mark.parametrize(
    ("invocation", "command"),
    [
        ("./game -p {{SERVER_PORT}}", 'cd /home/container && eval "exec $STARTUP"'),
        ("cd bin && ./game", 'cd /home/container && eval "$STARTUP"'),
    ],
)
def test_plain_image_is_told_to_run_the_start_command(invocation: str, command: str) -> None:
    assert plain_start(invocation) == ["/bin/sh", "-c", command]
