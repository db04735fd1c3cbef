"""`python -m muntin.testing.forks_nursery FD`: has imported the panel, and forks for each order that comes by a socket.

An order is one message with three descriptors (standard input, output and error), then a line of JSON: `{"arguments",
"environment", "cwd"}`, the arguments as Python takes them. The answer is a line with the process id and, when the
process has ended, one with its exit code. Everything ends when standard input does.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

IMPORTED = ("muntin.cli.running", "muntin.core_plugin", "muntin.worker", "muntin.jobs", "uvloop")
STANDARD = 3


def main() -> None:
    """Take orders; returns in the process that was ordered, ready to do what it is for."""
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those who watch the forks are nobody's to wait for
        while sys.stdin.fileno() not in select.select([listening.fileno(), sys.stdin.fileno()], [], [])[0]:
            connection, _address = listening.accept()
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _run(_forked(connection))
                return
            connection.close()


def _forked(connection: socket.socket) -> dict[str, Any]:
    """The order, in the process that carries it out; the one in between says how that ended."""
    with connection, connection.makefile("rb") as lines:
        _mark, descriptors, _flags, _address = socket.recv_fds(connection, 1, STANDARD)
        order: dict[str, Any] = json.loads(lines.readline())
        pid = os.fork()
        if pid == 0:
            for place, descriptor in enumerate(descriptors):
                os.dup2(descriptor, place)
                os.close(descriptor)
            return order
        for descriptor in (*descriptors, *range(STANDARD)):
            os.close(descriptor)
        connection.sendall(f"{pid}\n".encode())
        _pid, status = os.waitpid(pid, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)


def _run(order: dict[str, Any]) -> None:
    """As `python …` would, once its imports are done."""
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    first, *rest = order["arguments"]
    if first == "-m":
        sys.argv, sys.path[0] = rest, order["cwd"]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = [first, *rest], str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    main()
