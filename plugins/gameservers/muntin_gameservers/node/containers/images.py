"""Getting images onto this node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from muntin_gameservers.node.containers.specification import image_name
from muntin_gameservers.node.docker_engine.engine import Engine
from muntin_gameservers.node.docker_engine.errors import EngineAway, ImageMissing
from muntin_node.config import NodeConfig

PATIENCE_WITH_LOCAL_COPY_S = 15.0
TRIED_RECENTLY_S = 600.0


class Images:
    """Pulls images; a local copy is good enough when the registry does not answer soon."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tried_at: dict[str, float] = {}
        self._pulls: dict[str, asyncio.Task[None]] = {}

    async def ensure(self, image: str, config: NodeConfig, on_line: Callable[[str], None]) -> None:
        """Have the image here, as fresh as can be had without making a start wait long.

        Raises:
            ImageMissing: Names the image and says why it could not be had.
            EngineAway: No engine answers.
        """
        name = image_name(image)
        is_local = await self._engine.has_image(name)
        if image.startswith("~"):
            if not is_local:
                raise ImageMissing(f"The image {name} is not on this node and is never pulled (~).")
            return
        if is_local and time.monotonic() - self._tried_at.get(name, float("-inf")) < TRIED_RECENTLY_S:
            return
        await self._pull(name, config, on_line, is_local=is_local)

    async def _pull(self, name: str, config: NodeConfig, on_line: Callable[[str], None], *, is_local: bool) -> None:
        pull = self._pulls.get(name)
        if pull is None:
            on_line(f"Pulling the image {name}, this may take some minutes.")
            pull = self._pulls[name] = asyncio.create_task(self._pull_once(name, config, on_line))
            pull.add_done_callback(lambda done: self._forget(name, done))
        try:
            async with asyncio.timeout(PATIENCE_WITH_LOCAL_COPY_S if is_local else None):
                await asyncio.shield(pull)
        except (ImageMissing, TimeoutError) as error:
            if not is_local:
                raise ImageMissing(f"The image {name} is not on this node and could not be pulled: {error}") from error
            on_line(f"The image {name} could not be pulled just now; the copy on this node is used.")

    async def _pull_once(self, name: str, config: NodeConfig, on_line: Callable[[str], None]) -> None:
        self._tried_at[name] = time.monotonic()
        await self._engine.pull(name, credentials(name, config), on_line)

    def _forget(self, name: str, done: asyncio.Task[None]) -> None:
        self._pulls.pop(name, None)
        if not done.cancelled() and isinstance(done.exception(), EngineAway):
            self._tried_at.pop(name, None)


def credentials(image: str, config: NodeConfig) -> Mapping[str, str] | None:
    """The log-in of the registry whose name the image starts with; the longest name wins."""
    fitting = [name for name in config.docker.registries if image == name or image.startswith(name.rstrip("/") + "/")]
    if not fitting:
        return None
    registry = config.docker.registries[max(fitting, key=len)]
    return {"username": registry.username, "password": registry.password}
