"""The console of one server: lines of its terminal and of the daemon, numbered, with history."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from muntin_gameservers.node.servers.console_memory import KEPT_LINES, ConsoleMemory, unseen
from muntin_gameservers.node.servers.frames import CONSOLE_OUTPUT, batched_frames, single_frames
from muntin_gameservers.node.servers.terminal_lines import LineSplitter, Throttle, joined
from muntin_node.config import NodeConfig
from muntin_node.fanout import HISTORY_LINES, BatchCache, Fanout, Viewer

NUMBERS_PER_SECOND = 20_000  # as many lines as the throttle lets pass: numbers never repeat after a restart


class Console:
    """Lines go to viewers through `fanout`; what the throttle holds back is still seen by `on_line`.

    Args:
        on_line: Told every line of the terminal.
        memory: What an earlier run of the agent showed.

    Attributes:
        single, numbered: The two forms of a batch on a websocket, made once for all viewers.
    """

    def __init__(
        self, config: Callable[[], NodeConfig], on_line: Callable[[str], None], memory: ConsoleMemory | None = None
    ) -> None:
        self._config = config
        self._on_line = on_line
        self._splitter = LineSplitter()
        self._throttle = Throttle()
        self._container_id = memory.container_id if memory else ""
        self._written: deque[str] = deque(memory.written if memory else (), maxlen=KEPT_LINES)
        self._first_seq = memory.next_seq - len(memory.lines) if memory else int(time.time() * NUMBERS_PER_SECOND)
        self.fanout = Fanout(first_seq=self._first_seq)
        for line in memory.lines if memory else ():
            self.fanout.publish(line)
        self.single = BatchCache(lambda batch: single_frames(CONSOLE_OUTPUT, batch))
        self.numbered = BatchCache(lambda batch: batched_frames(CONSOLE_OUTPUT, batch))

    def resume(self, last_seq: int | None) -> Viewer:
        """A viewer that goes on behind a number it has seen; of an earlier run of the agent, or none: all history."""
        if last_seq is not None and last_seq >= self._first_seq - 1:
            return self.fanout.subscribe(after_seq=last_seq)
        return self.fanout.subscribe(history=HISTORY_LINES)

    @property
    def next_seq(self) -> int:
        """The number the next line gets."""
        return self.fanout.next_seq

    def memory(self) -> ConsoleMemory:
        """What shall be known of this console after the agent was away."""
        return ConsoleMemory(
            container_id=self._container_id,
            next_seq=self.fanout.next_seq,
            lines=self.fanout.history(KEPT_LINES),
            written=tuple(self._written),
        )

    def begin(self, container_id: str) -> None:
        """A container's terminal: nothing half is left over from another one's."""
        if container_id != self._container_id:
            self._written.clear()
        self._container_id = container_id
        self._splitter = LineSplitter()
        self._throttle.reset()

    def feed(self, data: bytes) -> None:
        """Bytes of the terminal."""
        for line in self._splitter.feed(data):
            self._show(line)

    def finish(self) -> None:
        """The terminal has ended; what stands there without a line end is a line too."""
        for line in self._splitter.finish():
            self._show(line)

    def replay(self, log_tail: bytes, arrived: bytes) -> list[str]:
        """Show what was written before the agent started, then what arrived since; answers those lines.

        Args:
            log_tail: The end of the container's log, which may already hold the beginning of `arrived`.
        """
        older, newer = LineSplitter(), self._splitter
        before = older.feed(log_tail)
        before += older.finish() if arrived else []
        lines = joined(before, newer.feed(arrived))
        for line in unseen(self._written, lines):
            self._written.append(line)
            self.fanout.publish(line)
        if not arrived:
            self._splitter = older  # a line that is still being written goes on
        return lines

    def say(self, text: str) -> None:
        """A line of the daemon itself."""
        self.fanout.publish(f"\x1b[33m\x1b[1m[{self._config().app_name} Daemon]:\x1b[0m {text}")

    def _show(self, line: str) -> None:
        self._on_line(line)
        passes, first_refused = self._throttle.admit(self._config().throttles)
        if passes:
            self._written.append(line)
            self.fanout.publish(line)
        elif first_refused:
            self.say("The server writes lines faster than they can be shown; some are left out.")
