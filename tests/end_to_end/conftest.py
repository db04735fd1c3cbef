"""A running panel with a real engine, shared by the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator

import docker
import pytest

from ..images.busybox import busybox_image
from ..images.engine import engine as docker_engine
from .hosting import Host
from .programs import Program


@pytest.fixture(scope="session")
def engine() -> docker.APIClient:
    """The Docker engine of this machine."""
    return docker_engine()


@pytest.fixture(scope="session")
def busybox(engine: docker.APIClient) -> str:
    """An image with a shell."""
    return busybox_image()


@pytest.fixture(scope="session")
async def running_panel(engine: docker.APIClient, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Host]:
    """`muntin up` with its own node, and its operator."""
    program = Program(tmp_path_factory.mktemp("panel"), {"MUNTIN_LOCAL_NODE": "always"})
    async with Host.on(program, engine) as host:
        yield host


@pytest.fixture
async def host(running_panel: Host) -> Host:
    """The shared panel, with an API key of the test's own."""
    await running_panel.fresh_key()
    return running_panel
