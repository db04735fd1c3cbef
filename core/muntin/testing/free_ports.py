"""Ports for programs that bind them later themselves.

Not from the range out of which the system takes the ports of outgoing connections and of `bind` to 0: one of those
could be taken before the program has started. And every worker of pytest-xdist has its own.
"""

from __future__ import annotations

import os
import random
import socket
from itertools import count

_FIRST, _PER_WORKER, _WORKERS = 12_000, 1_000, 16
_numbers = count(random.SystemRandom().randrange(_PER_WORKER))  # other runs on the machine begin elsewhere


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens, neither by TCP nor by UDP; another one each time."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    for number in _numbers:
        port = _FIRST + worker * _PER_WORKER + number % _PER_WORKER
        if all(_is_free(host, port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
            return port
    raise AssertionError("unreachable")


def _is_free(host: str, port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
