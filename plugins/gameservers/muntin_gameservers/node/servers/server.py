"""One game server as this node knows it."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from muntin_gameservers.contract import (
    NEVER_RAN,
    LastExit,
    PowerState,
    ResourceUsage,
    ServerConfiguration,
    ServerDetails,
    ServerSettings,
    StateChange,
)
from muntin_gameservers.node.docker_engine.facts import ContainerFacts
from muntin_gameservers.node.servers.channel import Channel
from muntin_gameservers.node.servers.console import Console
from muntin_gameservers.node.servers.crash_policy import CrashPolicy, Verdict
from muntin_gameservers.node.servers.disk import DiskUse
from muntin_gameservers.node.servers.errors import NotRunning, ServerBusy
from muntin_gameservers.node.servers.host import Host
from muntin_gameservers.node.servers.power import Power
from muntin_gameservers.node.servers.readiness import Readiness
from muntin_gameservers.node.servers.run import Run
from muntin_node.fanout import Fanout

if TYPE_CHECKING:
    from muntin_gameservers.node.servers.installation import Installation

log = logging.getLogger(__name__)
INSTALL_HISTORY_LINES = 500
REPLAYED_LINES = 1_000
SIGKILL_CODE = 137


class Server:
    """State, console and container of one server. Lives on the loop; nothing here blocks.

    Attributes:
        run: The container while there is one.
        installation: The install under way, if any; `install_task` runs it.
        last_exit: Why the server ended the last time, or could not start.
        is_transferring: It is being moved to another node, or came from one and the panel has not said yet that it
            belongs here: nothing may be done with it.
    """

    def __init__(self, host: Host, configuration: ServerConfiguration) -> None:
        self.host = host
        self.uuid = configuration.settings.uuid
        self.configuration = configuration
        self.state: PowerState = "offline"
        self.last_exit: LastExit | None = None
        self.run: Run | None = None
        self.installation: Installation | None = None
        self.install_task: asyncio.Task[None] | None = None
        self.is_deleted = False
        self.is_transferring = False
        self.usage = ResourceUsage()
        self.console = Console(lambda: host.config, self._line_shown, host.console_memories.pop(self.uuid, None))
        self.install_output = Fanout(history_lines=INSTALL_HISTORY_LINES)
        self.install_began = 0  # number of the first line of the latest install
        self.channel = Channel()
        self.disk = DiskUse(host, self.uuid)
        self.power = Power(self)
        self._readiness = Readiness.from_contract(configuration.process_configuration.startup)
        self._crashes = CrashPolicy()

    @property
    def settings(self) -> ServerSettings:
        """What the panel wants, as far as it is known here."""
        return self.configuration.settings

    @property
    def is_suspended(self) -> bool:
        """Whether it must not run."""
        return self.settings.suspended or self.is_deleted

    def adopt(self, configuration: ServerConfiguration) -> None:
        """Replace what the panel wants; takes effect at the next start or by `apply_limits`."""
        self.configuration = configuration
        self._readiness = Readiness.from_contract(configuration.process_configuration.startup)

    def details(self) -> ServerDetails:
        """The server as `GET /api/servers/{uuid}` shows it."""
        return ServerDetails(
            state=self.state,
            is_suspended=self.is_suspended,
            utilization=self.current_usage(),
            configuration=self.settings,
            is_installing=self.installation is not None,
            is_transferring=self.is_transferring,
            last_exit=self.last_exit,
            engine_error=self.host.engine_error,
        )

    def current_usage(self) -> ResourceUsage:
        """The last figures with the state as it is now."""
        return self.usage.model_copy(update={"state": self.state, "disk_bytes": self.disk.bytes})

    def set_state(self, state: PowerState) -> None:
        """Change the state and tell sockets, journal and panel."""
        previous = self.state
        if previous == state or self.is_deleted:
            return
        self.state = state
        self.host.journal.note_state(self.uuid, state)
        self.channel.publish("status", state)
        change = StateChange(previous_state=previous, new_state=state, last_exit=self.last_exit)
        self.host.reports.state_changed(self.uuid, change)

    def announce(self) -> None:
        """Tell the panel the state as it is, after the agent was away."""
        change = StateChange(previous_state=self.state, new_state=self.state, last_exit=self.last_exit)
        self.host.reports.state_changed(self.uuid, change)

    def publish_usage(self) -> None:
        """Tell the sockets the figures."""
        self.channel.publish("stats", self.current_usage().model_dump_json())

    def send_command(self, line: str) -> None:
        """Write a line to the server's input. The stop command begins a stop, so that the end is no crash.

        Raises:
            NotRunning: No container takes input.
            ServerBusy: It is being moved to another node.
        """
        self.require_here()
        if self.run is None or self.state == "offline":
            raise NotRunning("The server is not running.")
        stop = self.configuration.process_configuration.stop
        if stop.type == "command" and line == stop.value:
            self.run.ended_by = self.run.ended_by or "stopped by command"
            self.set_state("stopping")
        if not self.run.write(line):
            raise NotRunning("The server does not take input.")

    def require_here(self) -> None:
        """Refuse what would change a server that is being moved.

        Raises:
            ServerBusy: It is.
        """
        if self.is_transferring:
            raise ServerBusy("The server is being moved to another node.")

    def new_run(self, container_id: str) -> Run:
        """Begin to follow a container."""
        self.console.begin(container_id)
        self.run = Run(self.host, container_id, self.console.feed, self._run_ended)
        return self.run

    def started(self) -> None:
        """The container runs; without anything to wait for that means ready."""
        if self._readiness.is_immediate and self.state == "starting":
            self.set_state("running")

    async def rejoin(self, container_id: str, state: PowerState) -> None:
        """Follow a container that ran on while the agent was away: its last lines, then what it says from now on.

        Raises:
            EngineError: The container is gone or the engine does not answer.
        """
        arrived: list[bytes] = []
        self.state = state
        self.console.begin(container_id)
        self.run = Run(self.host, container_id, arrived.append, self._run_ended)
        self.run.is_started = True
        await self.run.attach()
        log_tail = await self.host.engine.log_tail(container_id, REPLAYED_LINES)
        lines = self.console.replay(log_tail, b"".join(arrived))
        self.run.listen(self.console.feed)
        if self.state == "starting" and any(self._readiness.said_by(line) for line in lines):
            self.set_state("running")
        await self.run.look()

    def ended_while_away(self, facts: ContainerFacts | None, state: PowerState) -> None:
        """The container ended, or vanished, while the agent was not there to see it."""
        self.state = state
        reason = "it ended while the node's agent was away"
        code, oom = (facts.exit_code, facts.oom_killed) if facts else (1, False)
        self.last_exit = _exit(code, oom=oom, reason=reason, at=facts.finished_at if facts else None)
        self.console.say(f"The server is offline: {reason}.")
        self.set_state("offline")

    def not_started(self, reason: str) -> None:
        """A start failed before the server ran; passes through `stopping`, hence is no crash."""
        self.run = None
        self.last_exit = _exit(NEVER_RAN, oom=False, reason=reason)
        self.console.say(reason)
        self.set_state("stopping")
        self.set_state("offline")

    def _line_shown(self, line: str) -> None:
        if self.state == "starting" and self._readiness.said_by(line):
            self.set_state("running")

    def _run_ended(self, run: Run, facts: ContainerFacts | None) -> None:
        if run is not self.run:
            return
        self.run, previous = None, self.state
        self.console.finish()
        self.usage = ResourceUsage()
        self.last_exit = _last_exit(run, facts)
        self.set_state("offline")
        self.publish_usage()
        if previous in ("starting", "running") and not self.is_deleted:
            self._crashed(self.last_exit)

    def _crashed(self, last_exit: LastExit) -> None:
        detection = self.host.config.system.crash_detection
        self.console.say(f"The server ended by itself: {last_exit.reason}.")
        enabled = self.settings.crash_detection_enabled
        verdict = self._crashes.judge(last_exit, detection, enabled=enabled, now_s=time.monotonic())
        self.console.say(verdict.value.format(timeout_s=detection.timeout))
        if verdict is Verdict.RESTART and not self.is_suspended:
            self.host.spawn(self.power.perform("start", wait_s=30), f"restart of {self.uuid} after a crash")

    async def close(self) -> None:
        """Leave the container's terminal and end all streams; the container goes on."""
        if self.run is not None:
            self.run.detach()
        await asyncio.sleep(0)
        self.console.fanout.close()
        self.install_output.close()
        self.channel.close()


def _last_exit(run: Run, facts: ContainerFacts | None) -> LastExit:
    if facts is None:
        return _exit(1, oom=False, reason=run.ended_by or "the container vanished")
    oom = facts.oom_killed or (facts.exit_code == SIGKILL_CODE and run.oom_kills > 0)
    if oom and not run.ended_by:
        reason = "it ran out of memory"
    else:
        reason = run.ended_by or f"its process ended with exit code {facts.exit_code}"
    return _exit(facts.exit_code, oom=oom, reason=reason, at=facts.finished_at)


def _exit(code: int, *, oom: bool, reason: str, at: datetime | None = None) -> LastExit:
    return LastExit(code=code, oom=oom, at=(at or datetime.now(UTC)).isoformat(), reason=reason)
