"""Becomes a child process's program. Run by path with `python -I -S`, so it imports next to nothing.

Limits, user and parent-death signal are set here, in a process of its own, and not between fork and exec of the
agent, where other threads' locks could hang it. Argument: the number of a descriptor to read a JSON object from
(made by `Processes.start`).
"""

import ctypes
import json
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CANNOT_START = 127


def launch(order):  # type: ignore[no-untyped-def]  # `typing` is not imported here on purpose
    """Apply the order and turn into its program; returns only by raising OSError or ValueError."""
    for name, limit in order["limits"].items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    if order["gid"] is not None:
        os.setgroups([])
        os.setgid(order["gid"])
    if order["uid"] is not None:
        os.setuid(order["uid"])
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # after setuid, which clears it
    if os.getppid() != order["parent"]:
        raise OSError("the agent is gone")
    os.chdir(order["cwd"])
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):  # what Python changed for itself
        signal.signal(number, signal.SIG_DFL)
    program = find(order["argv"][0], order["env"])  # type: ignore[no-untyped-call]  # as below
    os.execve(program, order["argv"], order["env"])  # noqa: S606 - the point of this file: a list, no shell


def find(name, env):  # type: ignore[no-untyped-def]  # as above
    """The program's path. `os.execvpe` would import modules, which the new user may not be allowed to read."""
    if "/" in name:
        return name
    for folder in env.get("PATH", os.defpath).split(":"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    raise OSError(f"{name}: No such file or directory")


if __name__ == "__main__":
    try:
        with os.fdopen(int(sys.argv[1])) as paper:
            order = json.load(paper)
        launch(order)  # type: ignore[no-untyped-call]  # as above
    except (OSError, ValueError) as error:
        sys.stderr.write(f"cannot start: {error}\n")
        sys.exit(CANNOT_START)
