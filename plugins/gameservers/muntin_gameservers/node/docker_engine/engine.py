"""Calls to the Docker engine: the `docker` package in a few threads, never on the loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import docker
import requests
from docker import errors as docker_errors
from docker.utils import kwargs_from_env

from muntin_gameservers.node.docker_engine.attachment import Attachment
from muntin_gameservers.node.docker_engine.errors import ContainerMissing, EngineAway, EngineError, ImageMissing
from muntin_gameservers.node.docker_engine.facts import ContainerFacts, EngineFeatures
from muntin_gameservers.node.docker_engine.kernel import io_weight_supported

Answer = TypeVar("Answer")

CALL_TIMEOUT_S = 60
THREADS = 4
PULL_THREADS = 2
PULL_TIMEOUT_S = 15 * 60

BARE_SHELLS = frozenset({"sh", "/bin/sh", "bash", "/bin/bash", "ash", "/bin/ash", "dash", "/bin/dash"})


class Engine:
    """One engine. Every call raises `EngineAway` when it does not answer, `EngineError` when it refuses.

    Args:
        address: e.g. `unix:///var/run/docker.sock`; None takes `DOCKER_HOST` or the default socket.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="docker")
        self._pullers = ThreadPoolExecutor(PULL_THREADS, thread_name_prefix="docker-pull")
        self._local = threading.local()

    def client(self, *, timeout_s: int = CALL_TIMEOUT_S) -> docker.APIClient:
        """A new client for the calling thread alone.

        Raises:
            EngineAway: No engine answers.
        """
        environment = {} if self._address is None else {"base_url": self._address}
        arguments = environment or kwargs_from_env()
        try:
            return docker.APIClient(version="auto", timeout=timeout_s, **arguments)
        except (docker_errors.DockerException, requests.RequestException) as error:
            raise EngineAway(f"The Docker engine does not answer on this node: {_root_cause(error)}") from error

    async def call(self, function: Callable[[docker.APIClient], Answer]) -> Answer:
        """Run one call in the pool and translate its errors."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._guarded, function)

    def _guarded(self, function: Callable[[docker.APIClient], Answer]) -> Answer:
        client: docker.APIClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self.client()
        try:
            return function(client)
        except docker_errors.APIError as error:
            raise translated(error) from error
        except (docker_errors.DockerException, requests.RequestException, OSError) as error:
            self._local.client = None
            client.close()
            raise EngineAway(f"The Docker engine stopped answering: {_root_cause(error)}") from error

    async def features(self) -> EngineFeatures:
        """Version, drivers and abilities."""
        info = await self.call(lambda client: client.info())
        return EngineFeatures.from_info(info, io_weight=io_weight_supported())

    async def inspect(self, name: str) -> ContainerFacts | None:
        """The container by id or name, or None."""
        try:
            return ContainerFacts.from_inspect(await self.call(lambda client: client.inspect_container(name)))
        except ContainerMissing:
            return None

    async def names(self, label: str) -> dict[str, str]:
        """Name -> id of all containers with this label (`key` or `key=value`), running or not."""
        found = await self.call(lambda client: client.containers(all=True, filters={"label": label}))
        return {entry["Names"][0].removeprefix("/"): entry["Id"] for entry in found}

    async def create(self, name: str, spec: Mapping[str, Any]) -> str:
        """Create a container from the engine's own JSON form; answers its id."""
        answer = await self.call(lambda client: client.create_container_from_config(dict(spec), name))  # type: ignore[no-untyped-call] # the stubs leave it out
        return str(answer["Id"])

    async def start(self, container_id: str) -> None:
        """Start a created container."""
        await self.call(lambda client: client.start(container_id))

    async def signal(self, container_id: str, signal: str = "SIGKILL") -> None:
        """Send a signal to PID 1; a container that does not run is fine."""
        try:
            await self.call(lambda client: client.kill(container_id, signal))
        except ContainerMissing:
            return
        except EngineError as error:
            if isinstance(error, EngineAway) or "is not running" not in error.message:
                raise

    async def remove(self, name: str) -> None:
        """Kill and remove a container with its anonymous volumes; none is fine."""
        try:
            await self.call(lambda client: client.remove_container(name, v=True, force=True))
        except ContainerMissing:
            return
        except EngineError as error:
            if isinstance(error, EngineAway) or "already in progress" not in error.message:
                raise

    async def update(self, name: str, limits: Mapping[str, Any]) -> None:
        """Change limits of an existing container; keys as in `update_container` of the docker package."""
        await self.call(lambda client: client.update_container(name, **limits))

    async def log_tail(self, name: str, lines: int) -> bytes:
        """The last lines of the container's log, raw."""
        return await self.call(lambda client: client.logs(name, tail=lines, stdout=True, stderr=True))

    async def attach(
        self, container_id: str, on_data: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> Attachment:
        """Join the container's terminal: its output goes to `on_data`, on the loop, without a thread."""
        attached = await self.call(lambda client: self._attach_socket(client, container_id))
        return await Attachment.open(attached, on_data, on_end)

    def _attach_socket(self, client: docker.APIClient, container_id: str) -> socket.socket:
        """A socket of our own: the one docker-py hands out closes when its response is collected."""
        attached = client.attach_socket(
            container_id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1, "logs": 0}
        )
        return socket.fromfd(attached.fileno(), socket.AF_UNIX, socket.SOCK_STREAM)

    async def has_image(self, image: str) -> bool:
        """Whether the engine holds the image."""
        try:
            await self.call(lambda client: client.inspect_image(image))  # type: ignore[no-untyped-call] # as above
        except ImageMissing:
            return False
        return True

    async def starts_by_itself(self, image: str) -> bool:
        """Whether the image has a program of its own that reads `STARTUP`, as images made for panels do.

        A plain image of a distribution starts a bare shell, which does not.
        """
        config = await self.call(lambda client: client.inspect_image(image)["Config"] or {})  # type: ignore[no-untyped-call] # as above
        command = config.get("Cmd") or []
        return bool(config.get("Entrypoint")) or not (len(command) <= 1 and {*command} <= BARE_SHELLS)

    async def pull(self, image: str, auth: Mapping[str, str] | None, on_line: Callable[[str], None]) -> None:
        """Pull an image, minutes long; `on_line` is told the progress, on the loop.

        Raises:
            ImageMissing: The registry refused or could not be reached.
        """
        loop = asyncio.get_running_loop()

        def pull() -> None:
            client = self.client(timeout_s=PULL_TIMEOUT_S)
            try:
                for line in client.pull(image, stream=True, decode=True, auth_config=dict(auth) if auth else None):
                    if "error" in line:
                        raise ImageMissing(str(line["error"]))
                    if "progress" not in line and line.get("status"):
                        loop.call_soon_threadsafe(on_line, f"{line.get('id', '')} {line['status']}".strip())
            except docker_errors.APIError as error:
                raise ImageMissing(str(error.explanation or error)) from error
            except requests.RequestException as error:
                raise EngineAway(f"The Docker engine stopped answering: {_root_cause(error)}") from error
            finally:
                client.close()

        await loop.run_in_executor(self._pullers, pull)

    async def ensure_network(self, name: str, request: Mapping[str, Any]) -> None:
        """Make a network if it is missing; `request` is what `create_network` of the docker package takes."""

        def ensure(client: docker.APIClient) -> None:
            if not any(found["Name"] == name for found in client.networks(names=[name])):  # the filter takes parts
                client.create_network(name, check_duplicate=True, **request)

        await self.call(ensure)

    def close(self) -> None:
        """Let the threads go; calls under way end on their own."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pullers.shutdown(wait=False, cancel_futures=True)


def translated(error: docker_errors.APIError) -> EngineError:
    """The engine's refusal in our family."""
    text = str(error.explanation or error)
    if error.status_code == 404 and "image" in text.lower() and "container" not in text.lower():
        return ImageMissing(text)
    return ContainerMissing(text) if error.status_code == 404 else EngineError(text)


def _root_cause(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
