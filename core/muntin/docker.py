"""Whether a Docker engine answers here; standard library only, since `muntin up` asks before anything else."""

from __future__ import annotations

import socket
from pathlib import Path

DOCKER_SOCKET = "/var/run/docker.sock"


def docker_answers(path: str = DOCKER_SOCKET) -> bool:
    """Whether somebody listens on the engine's socket."""
    if not Path(path).exists():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True
