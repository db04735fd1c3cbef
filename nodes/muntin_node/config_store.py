"""The one place that holds the node's current configuration, in memory and in its file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from muntin_node.config import NodeConfig, load_config, save_config


class ConfigStore:
    """The current configuration; replaced as a whole, never edited in place."""

    def __init__(self, config: NodeConfig, path: Path | None = None) -> None:
        self._config = config
        self._path = path
        self._lock = asyncio.Lock()
        self._on_change: list[Callable[[NodeConfig], None]] = []

    @classmethod
    def from_file(cls, path: Path) -> ConfigStore:
        """Read the file and write it back with all defaults.

        Raises:
            ConfigError: It is missing, not YAML, or does not hold.
        """
        config = load_config(path)
        save_config(path, config)
        return cls(config, path)

    @property
    def current(self) -> NodeConfig:
        """What holds now."""
        return self._config

    async def replace(self, config: NodeConfig) -> None:
        """As `change`, with a value that is known already."""
        await self.change(lambda _: config)

    async def change(self, make: Callable[[NodeConfig], NodeConfig]) -> None:
        """Write what is made of the current value (in a thread), then let it hold. One change at a time.

        Raises:
            ConfigError: The file could not be written; the old value still holds.
        """
        async with self._lock:
            config = make(self._config)
            if self._path is not None:
                await asyncio.to_thread(save_config, self._path, config)
            self._config = config
        for callback in self._on_change:
            callback(config)

    def on_change(self, callback: Callable[[NodeConfig], None]) -> None:
        """Have a part of the agent told after each change; it must not raise. Halves get `configure` instead."""
        self._on_change.append(callback)
