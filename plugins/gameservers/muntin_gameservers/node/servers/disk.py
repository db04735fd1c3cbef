"""How much room a server takes, and what happens when it is too much."""

from __future__ import annotations

import asyncio
import time

from muntin_gameservers.contract import BuildLimits
from muntin_gameservers.node.containers.host_files import machine_id_path
from muntin_gameservers.node.containers.limits import MIB
from muntin_gameservers.node.servers.host import Host
from muntin_node.errors import FileMissing
from muntin_node.files import ConfinedRoot
from muntin_node.threads import in_file_thread

SHORTEST_INTERVAL_S = 3.0
SHARE_OF_TIME = 20  # a scan may take one twentieth of the time


class DiskUse:
    """The measured size of one server's folder.

    Attributes:
        bytes: Sum of its regular files when they were last measured.
    """

    def __init__(self, host: Host, uuid: str) -> None:
        self._host = host
        self._uuid = uuid
        self._measured_s = float("-inf")
        self._took_s = 0.0
        self.bytes = 0

    def is_due(self, *, changing: bool) -> bool:
        """Whether it is time to measure again: a folder that is being written to sooner than one that lies still."""
        interval_s = self._host.config.system.disk_check_interval
        if interval_s == 0:
            return False
        wait_s = min(max(self._took_s * SHARE_OF_TIME, SHORTEST_INTERVAL_S), interval_s) if changing else interval_s
        return time.monotonic() - self._measured_s >= wait_s

    async def measure(self) -> int:
        """Measure now; one server at a time."""
        async with self._host.scanning:
            began_s = time.monotonic()
            self.bytes = await in_file_thread(self._size)
            self._measured_s = time.monotonic()
            self._took_s = self._measured_s - began_s
        return self.bytes

    def _size(self) -> int:
        try:
            with ConfinedRoot(self._host.volume(self._uuid)) as root:
                return root.size_bytes()
        except FileMissing:
            return 0

    def is_over(self, build: BuildLimits) -> bool:
        """Whether the last measure is over the limit; 0 is no limit, below zero refuses everything."""
        return build.disk_space != 0 and self.bytes > max(build.disk_space, 0) * MIB

    def complaint(self, build: BuildLimits) -> str:
        """The two numbers, for people."""
        return f"its files take {self.bytes / MIB:.0f} MiB of {max(build.disk_space, 0)} MiB"


async def prepared_volume(host: Host, uuid: str) -> None:
    """Make a server's folder if it is missing."""

    def make() -> None:
        folder = host.volume(uuid)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.exists():
            folder.mkdir(mode=0o755)
            with ConfinedRoot(folder) as root:
                root.chown_tree(host.owner)

    await in_file_thread(make)


async def owned_volume(host: Host, uuid: str) -> None:
    """Give everything in a server's folder to the account that runs servers."""

    def give() -> None:
        with ConfinedRoot(host.volume(uuid)) as root:
            root.chown_tree(host.owner)

    await in_file_thread(give)


async def removed(host: Host, uuid: str) -> None:
    """Remove everything of a server from this machine's folders."""

    def remove() -> None:
        for parent in (host.config.system.data, host.config.system.tmp_directory):
            try:
                with ConfinedRoot(parent) as root:
                    root.remove(uuid)
            except FileMissing:
                continue
        machine_id_path(host.config, uuid).unlink(missing_ok=True)
        host.install_log(uuid).unlink(missing_ok=True)

    await asyncio.shield(in_file_thread(remove))
