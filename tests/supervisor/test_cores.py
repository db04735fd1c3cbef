"""A loop for which there was no core did not stand still by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from muntin.supervisor.cores import queued_s

SPIN = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint('spins', flush=True)\nwhile True: pass"


def test_time_in_which_others_had_the_core_is_counted() -> None:
    core = min(os.sched_getaffinity(0))
    if _queued_s() == 0.0:
        pytest.skip("this kernel does not count how long threads wait for a core")

    with subprocess.Popen([sys.executable, "-c", SPIN, str(core)], stdout=subprocess.PIPE) as rival:
        assert rival.stdout and rival.stdout.readline() == b"spins\n"
        with ThreadPoolExecutor(1) as threads:
            waited_s = threads.submit(_spin_until_queued, core).result()
        rival.kill()

    assert waited_s >= 0.2


def test_sleep_is_no_waiting_for_a_core() -> None:
    with ThreadPoolExecutor(1) as threads:
        waited_s = threads.submit(_sleep, 0.5).result()

    assert waited_s < 0.25


def _spin_until_queued(core: int) -> float:
    os.sched_setaffinity(0, {core})
    before_s, deadline_s = _queued_s(), time.monotonic() + 30
    while (waited_s := _queued_s() - before_s) < 0.2 and time.monotonic() < deadline_s:
        pass
    return waited_s


def _sleep(seconds: float) -> float:
    before_s = _queued_s()
    time.sleep(seconds)
    return _queued_s() - before_s


def _queued_s() -> float:
    return queued_s(os.getpid(), threading.get_native_id())
