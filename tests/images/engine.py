"""The Docker engine of this machine, and putting images into it without any registry."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import docker
import pytest

from muntin.docker import DOCKER_SOCKET, docker_answers

REPOSITORY = "muntin-tests"


def unavailable(reason: str) -> NoReturn:
    """Leave the test out and say why; where CI says that all must run it fails instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@lru_cache(maxsize=1)
def connected() -> docker.APIClient | str:
    """The engine, or why there is none."""
    address = os.environ.get("DOCKER_HOST", f"unix://{DOCKER_SOCKET}")
    if address.startswith("unix://") and not docker_answers(address.removeprefix("unix://")):
        # Asked first: docker-py does not close the socket that it could not connect.
        return f"no Docker engine answers at {address}"
    try:
        return docker.APIClient(version="auto", timeout=300)
    except docker.errors.DockerException as error:
        return f"no Docker engine answers: {error}"


def engine() -> docker.APIClient:
    """The engine; the test is left out where none answers."""
    found = connected()
    return unavailable(found) if isinstance(found, str) else found


def tag_of(name: str, *ingredients: str | bytes) -> str:
    """The image's name with a tag that changes with what it is made of."""
    digest = sha256()
    for part in ingredients:
        digest.update(sha256(part.encode() if isinstance(part, str) else part).digest())
    return f"{REPOSITORY}/{name}:{digest.hexdigest()[:16]}"


def is_there(client: docker.APIClient, image: str) -> bool:
    """Whether the engine has the image already, perhaps from an earlier run."""
    try:
        client.inspect_image(image)  # type: ignore[no-untyped-call]  # its stub has no types
    except docker.errors.ImageNotFound:
        return False
    return True


def import_root(client: docker.APIClient, image: str, root: bytes | Path, *changes: str) -> None:
    """Make an image of one layer out of a root file system.

    Args:
        root: A tar, as bytes or as a file that may be compressed.
        changes: Lines of a Dockerfile, such as `CMD ["/bin/game"]`.
    """
    repository, _, tag = image.rpartition(":")
    if isinstance(root, Path):
        client.import_image_from_file(str(root), repository=repository, tag=tag, changes=list(changes))
    else:
        client.import_image_from_data(root, repository=repository, tag=tag, changes=list(changes))


def build(client: docker.APIClient, image: str, files: Mapping[str, bytes | Path]) -> None:
    """Make an image by a Dockerfile that begins with an image the engine has.

    Args:
        files: What the build sees, its `Dockerfile` among them.

    Raises:
        RuntimeError: A step failed; the message is the end of its output.
    """
    with io.BytesIO() as context:
        with tarfile.open(fileobj=context, mode="w") as tar:
            for name, content in files.items():
                _add(tar, name, content)
        context.seek(0)
        said: list[str] = []
        for entry in client.build(
            fileobj=context, custom_context=True, tag=image, rm=True, forcerm=True, decode=True, network_mode="none"
        ):
            said.append(str(entry.get("stream") or entry.get("error") or ""))
            if "error" in entry:
                raise RuntimeError(f"{image} could not be built:\n{''.join(said[-30:])}")


def _add(tar: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    if isinstance(content, Path):
        tar.add(content, name)
        return
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o755
    tar.addfile(member, io.BytesIO(content))
