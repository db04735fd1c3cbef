"""The supervisor itself: socket, hub, migrate step, slots, signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

from muntin.bus.hub import Hub, HubTaken
from muntin.bus.interface import Json
from muntin.supervisor.plan import ChildPlan, Plan
from muntin.supervisor.process import Process
from muntin.supervisor.slot import Slot
from muntin.supervisor.sockets import bind
from muntin.supervisor.wire import BLAMED_TOPIC, BLOATED, CHILD_TOPIC, ROLL, STALLED, TAKEN_OUT_TOPIC, roll_id

log = logging.getLogger(__name__)

ROLL_TOPIC = "supervisor.roll"
"""Anybody: replace every process; data `{"id": str}`, acted on once per id."""
ROLLED_TOPIC = "supervisor.rolled"
"""The supervisor: `{"id", "ok"}` when a roll is over; where not ok, the old processes go on."""
STALLED_TOPIC = "supervisor.stalled"
"""The supervisor: `{"name", "pid", "plugin", "stalled_s", "stack"}`."""

SILENT_S = 10.0
"""A loop that beat before and does not for this long is stuck beyond what its own watchdog sees: replaced."""
STALL_REPLACE_S = 10.0
"""A stall nobody's plugin is to blame for is only reported until it lasts this long."""
LOOK_S = 0.5
REMEMBERED_ROLLS = 64
TAKEN_OUT_WITHIN_S = 1.0
"""So long the other processes have to take out a plugin; then a process of its own does it, and what the plugin holds
up is replaced meanwhile."""
TAKING_OUT_TRIES = 5
LEAD_S = 3.0
"""How long the other processes wait for those of the first kind to be ready; then they start all the same."""


class MigrationFailed(Exception):
    """The migrate step ended with an error; it has said on stderr what is wrong."""


class Supervisor:
    """Runs a plan until it is told to stop."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._socket: socket.socket | None = None
        self._hub = Hub(Path(plan.bus_path)) if plan.bus_path else None
        self._slots = [Slot(name, child, self._start, self._report) for name, child in _named(plan.children)]
        self._stopping = asyncio.Event()
        self._rolls: asyncio.Queue[str] = asyncio.Queue()
        self._seen_rolls: dict[str, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._replacing: set[Process] = set()
        self._taken_out: dict[str, asyncio.Event] = {}

    async def run(self) -> None:
        """Start everything, keep it running, stop it in order.

        Raises:
            CannotBind: Nothing was started.
            MigrationFailed: No child was started.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop, number)
        loop.add_signal_handler(signal.SIGHUP, lambda: self.request_roll(f"SIGHUP-{time.monotonic_ns()}"))
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            loop.add_signal_handler(number, self._forward, number)
        self._socket = bind(self._plan.bind) if self._plan.bind else None
        try:
            await self._prepare()
            await self._migrate()
            if not self._stopping.is_set():
                await self._serve()
        finally:
            await self._stop_all()
            if self._socket is not None:
                self._socket.close()

    def request_roll(self, request: str) -> None:
        """Replace every process, one after the other; a second request while one runs follows it."""
        if request in self._seen_rolls:
            return
        self._seen_rolls[request] = None
        if len(self._seen_rolls) > REMEMBERED_ROLLS:
            del self._seen_rolls[next(iter(self._seen_rolls))]
        self._rolls.put_nowait(request)

    async def _serve(self) -> None:
        if self._hub is not None:
            self._hub.subscribe(ROLL_TOPIC, self._hear_roll)
            self._hub.subscribe(TAKEN_OUT_TOPIC, self._hear_taken_out)
            if not await self._open_hub(self._hub):
                self._spawn(self._wait_for_hub(self._hub))
        for work in (self._open_slots(), self._announce(), self._roll_on_request(), self._look_for_the_silent()):
            self._spawn(work)
        await self._stopping.wait()

    async def _prepare(self) -> None:
        """Start one child that may wait for the migrate step; more would take the cores from it."""
        if self._plan.migrate is not None:
            first = next((slot for slot in self._slots if slot.plan.waits_for_go), None)
            if first is not None:
                await first.prepare()

    async def _open_slots(self) -> None:
        """The first kind before the others: who answers requests is not to share the cores with their start."""
        first = [slot for slot in self._slots if slot.plan.name == self._slots[0].plan.name]
        for slot in first:
            slot.open()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAD_S):
                for slot in first:
                    await slot.ready.wait()
        for slot in self._slots[len(first) :]:
            slot.open()

    def _kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(slot.plan.name for slot in self._slots))

    async def _stop_all(self) -> None:
        """In the plan's order, so that who answers requests stops before who serves them."""
        for task in tuple(self._tasks):
            task.cancel()
        for kind in self._kinds():
            await asyncio.gather(*(slot.stop() for slot in self._slots if slot.plan.name == kind))
        if self._hub is not None:
            await self._hub.close()

    async def _migrate(self) -> None:
        if self._plan.migrate is not None:
            code = await self._run_to_end(self._plan.migrate)
            if code != 0 and not self._stopping.is_set():
                raise MigrationFailed(f"the migrate step ended with {code}")

    async def _run_to_end(self, command: tuple[str, ...]) -> int:
        """Run a command that is stopped with us; its exit code."""
        step = ChildPlan(name="step", command=command, says_ready=False)
        process = await Process.start("step", step, socket_fd=None, notice=lambda *_: None)
        stop = asyncio.create_task(self._stop_with_us(process))
        await process.exited.wait()
        stop.cancel()
        return process.exit_code or 0

    async def _stop_with_us(self, process: Process) -> None:
        await self._stopping.wait()
        await process.stop()

    async def _open_hub(self, hub: Hub) -> bool:
        try:
            await hub.open()
        except HubTaken:
            return False
        return True

    async def _wait_for_hub(self, hub: Hub) -> None:
        """Another supervisor on this data dir holds the hub; be there when it goes."""
        while not await self._open_hub(hub):  # noqa: ASYNC110 - the other one tells nobody when it goes
            await asyncio.sleep(1)

    async def _announce(self) -> None:
        for slot in self._slots:
            await slot.ready.wait()
        log.info("all processes are ready")
        if self._plan.announcement:
            sys.stdout.write(f"{self._plan.announcement}\n")
            sys.stdout.flush()

    async def _roll_on_request(self) -> None:
        while True:
            request = await self._rolls.get()
            is_done = await self._roll()
            log.info("roll %s: %s", request, "all processes are new" if is_done else "failed, the old ones go on")
            self._publish(ROLLED_TOPIC, {"id": request, "ok": is_done})

    async def _roll(self) -> bool:
        try:
            await self._migrate()
        except MigrationFailed as error:
            log.error("%s", error)
            return False
        for slot in self._slots:
            if not await slot.replace():
                return False
        return True

    async def _look_for_the_silent(self) -> None:
        while True:
            looked_at_s = time.monotonic()
            await asyncio.sleep(LOOK_S)
            if time.monotonic() - looked_at_s > 2 * LOOK_S:
                continue  # the machine stood still, not they; their beats are on their way
            for slot in self._slots:
                if slot.current is not None and slot.current not in self._replacing:
                    self._look_at(slot.current)

    def _look_at(self, process: Process) -> None:
        """See what a process cannot tell itself."""
        if process.is_hogged:
            self._end_silent(process, f"It computed in {process.name} and let nothing else run.")
        elif process.is_hanging and process.is_gone:
            self._end_silent(process, f"{process.name} ended while code of this plugin ran.")
        elif process.silent_s > SILENT_S:
            self._end_silent(process, f"It held up {process.name} for {process.silent_s:.0f} s.")

    def _end_silent(self, process: Process, reason: str) -> None:
        plugin = None if process.is_frozen else process.noted
        log.error("%s has not beaten for %.0f s: killed, because of %s", process.name, process.silent_s, plugin)
        process.is_stalled = True
        self._spawn(self._replace(process, plugin, reason))

    async def _start(self, name: str, plan: ChildPlan, held: bool) -> Process:
        socket_fd = None if self._socket is None else self._socket.fileno()
        return await Process.start(name, plan, socket_fd=socket_fd, notice=self._take_notice, held=held)

    def _take_notice(self, process: Process, verb: str, rest: str) -> None:
        if verb == ROLL and rest:
            self.request_roll(rest)
        elif verb == STALLED:
            self._spawn(self._on_stall(process, rest))
        elif verb == BLOATED:
            self._spawn(self._on_bloat(process, rest))

    async def _on_stall(self, process: Process, text: str) -> None:
        stall = json.loads(text)
        plugin = stall["plugin"]
        log.error("%s stalled for %.1f s in %s:\n%s", process.name, stall["stalled_s"], plugin, stall["stack"])
        self._publish(STALLED_TOPIC, {"name": process.name, "pid": process.pid, **stall})
        if plugin is not None or stall["stalled_s"] >= STALL_REPLACE_S:
            await self._replace(process, plugin, f"It held up {process.name} for {stall['stalled_s']:g} s.")

    async def _on_bloat(self, process: Process, text: str) -> None:
        bloat = json.loads(text)
        plugin, rss_mib, limit_mib = bloat["plugin"], bloat["rss_mib"], bloat["limit_mib"]
        log.error("%s holds %d MiB, more than %d, because of %s", process.name, rss_mib, limit_mib, plugin)
        reason = f"It made {process.name} grow to {rss_mib} MiB; a process may have {limit_mib} MiB."
        if not bloat["urgent"]:
            await self._replace(process, plugin, reason)
            return
        slot = self._slot_of(process)
        killing = asyncio.create_task(slot.kill()) if slot is not None else None
        await self._take_out(plugin, reason)
        if killing is not None:
            await killing

    async def _replace(self, process: Process, plugin: str | None, reason: str) -> None:
        """Exchange a process that cannot go on, and take out the plugin that is to blame."""
        slot = self._slot_of(process)
        if slot is None or process in self._replacing:
            return
        self._replacing.add(process)
        ending = asyncio.create_task(process.kill_when_hanging())
        taking = asyncio.create_task(self._take_out(plugin, reason))
        try:
            await asyncio.wait({taking}, timeout=TAKEN_OUT_WITHIN_S)
            if slot.current is process:  # else it ended, and another one is there already
                await slot.replace()
            await taking
        finally:
            ending.cancel()
            taking.cancel()
            self._replacing.discard(process)

    async def _on_death(self, process: Process, happened: str) -> None:
        """A process that ended in the middle of a plugin's code was ended by it; one that somebody killed was not."""
        plugin, is_loading = process.left_in
        if plugin is None or not (process.ended_itself or happened == "never became ready"):
            return
        code = process.exit_code or 0
        ended = f"crashed with signal {-code}" if code < 0 and process.ended_itself else f"ended with exit code {code}"
        how = ended if happened == "died" else happened
        await self._take_out(plugin, f"{process.name} {how} while code of this plugin ran.", loading=is_loading)

    async def _take_out(self, plugin: str | None, reason: str, *, loading: bool = False) -> None:
        """Have a plugin quarantined: by a process that lives, which is at once, else by one made for it."""
        if plugin is None or self._plan.quarantine is None:
            return
        done = self._taken_out.setdefault(plugin, asyncio.Event())
        self._publish(BLAMED_TOPIC, {"plugin": plugin, "reason": reason, "loading": loading})
        try:
            async with asyncio.timeout(TAKEN_OUT_WITHIN_S if self._hub is not None else 0):
                await done.wait()
        except TimeoutError:
            more = ("--loading",) if loading else ()
            await self._insist((*self._plan.quarantine, plugin, "--reason", reason, *more), done)

    async def _insist(self, command: tuple[str, ...], done: asyncio.Event) -> None:
        """Run a command until it succeeds, unless somebody is faster or it is hopeless; the store may be busy."""
        for attempt in range(1, TAKING_OUT_TRIES + 1):
            if done.is_set() or await self._run_to_end(command) == 0 or self._stopping.is_set():
                return
            log.error("%s failed, attempt %d of %d", " ".join(command), attempt, TAKING_OUT_TRIES)
            await asyncio.sleep(attempt)

    def _hear_taken_out(self, _topic: str, data: Json) -> None:
        plugin = data.get("plugin") if isinstance(data, dict) else None
        if isinstance(plugin, str) and plugin in self._taken_out:
            self._taken_out.pop(plugin).set()

    def _slot_of(self, process: Process) -> Slot | None:
        return next((slot for slot in self._slots if slot.current is process), None)

    def _report(self, name: str, happened: str, process: Process | None) -> None:
        pid = None if process is None else process.pid
        code = None if process is None else process.exit_code
        level = logging.INFO if happened in ("started", "ready", "stopped") else logging.ERROR
        log.log(level, "%s (pid %s) %s%s", name, pid, happened, "" if code is None else f" (exit code {code})")
        self._publish(CHILD_TOPIC, {"name": name, "pid": pid, "event": happened})
        if process is not None and process.exited.is_set() and happened != "stopped":
            self._spawn(self._on_death(process, happened))

    def _publish(self, topic: str, data: Json) -> None:
        if self._hub is not None:
            self._hub.publish(topic, data)

    def _hear_roll(self, _topic: str, data: Json) -> None:
        self.request_roll(roll_id(data))

    def _on_stop(self, number: signal.Signals) -> None:
        if self._stopping.is_set():  # asked twice: no more patience
            for slot in self._slots:
                if slot.current is not None:
                    slot.current.send_signal(signal.SIGKILL)
            return
        log.info("%s: stopping", signal.Signals(number).name)
        self._stopping.set()

    def _forward(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.current is not None:
                slot.current.send_signal(number)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _named(children: tuple[ChildPlan, ...]) -> list[tuple[str, ChildPlan]]:
    return [(f"{child.name}.{number}", child) for child in children for number in range(1, child.count + 1)]
