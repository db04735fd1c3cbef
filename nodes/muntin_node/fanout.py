"""Console lines from one source to many viewers: a shared ring, a cursor per viewer, batches every 50 ms.

Publishing costs the same however many viewers there are, and a viewer that does not read costs nothing: its
cursor stays behind, the ring moves on, and when it reads again it learns how many lines it missed. Viewers at the
same cursor get the very same `Batch` object, so that the caller encodes each batch once (see `BatchCache`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

BATCH_DELAY_S = 0.05
BATCH_LINES = 500
HISTORY_LINES = 2_000
HISTORY_BYTES = 1_048_576
MAX_LINE_BYTES = 65_536
SHARED_BATCHES = 4

Encoded = TypeVar("Encoded")


class FanoutClosed(Exception):
    """The source is gone; a viewer gets what was left before it sees this."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive lines.

    Attributes:
        from_seq: Sequence number of the first line.
        to_seq: One past the last line's.
        lines: Each at most 64 KiB of UTF-8, without line end.
        skipped: Lines this viewer missed directly before `from_seq`, because it read too slowly.
    """

    from_seq: int
    to_seq: int
    lines: tuple[str, ...]
    skipped: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Two batches of one fanout with the same key hold the same lines."""
        return self.from_seq, self.to_seq


class BatchCache(Generic[Encoded]):
    """Encodes each run of lines once for all viewers at the same cursor; holds the last few results.

    The `skipped` of a batch is not part of it: send the marker to that viewer by itself.
    """

    def __init__(self, encode: Callable[[Batch], Encoded], *, size: int = SHARED_BATCHES) -> None:
        self._encode = encode
        self._size = size
        self._results: dict[tuple[int, int], Encoded] = {}

    def get(self, batch: Batch) -> Encoded:
        """The encoded form; made by the first viewer that asks."""
        if batch.key not in self._results:
            self._results[batch.key] = self._encode(batch)
            while len(self._results) > self._size:
                del self._results[next(iter(self._results))]
        return self._results[batch.key]


class LineRing:
    """The last lines by sequence number, bounded in lines and in bytes of UTF-8."""

    def __init__(self, *, max_lines: int, max_bytes: int, first_seq: int) -> None:
        self._lines: list[str] = [""] * max_lines
        self._sizes: list[int] = [0] * max_lines
        self._max_bytes = max_bytes
        self._bytes = 0
        self.start = self.end = first_seq  # lines start <= seq < end are held

    def append(self, line: str, size_bytes: int) -> None:
        """Put a line at `end`, dropping the oldest ones beyond the bounds (the newest line always stays)."""
        if self.end - self.start == len(self._lines):
            self._drop_oldest()
        slot = self.end % len(self._lines)
        self._lines[slot], self._sizes[slot] = line, size_bytes
        self._bytes += size_bytes
        self.end += 1
        while self._bytes > self._max_bytes and self.end - self.start > 1:
            self._drop_oldest()

    def slice(self, from_seq: int, to_seq: int) -> tuple[str, ...]:
        """Lines of that range, which must be held."""
        if from_seq >= to_seq:
            return ()
        size = len(self._lines)
        first, last = from_seq % size, (to_seq - 1) % size + 1
        if first < last:
            return tuple(self._lines[first:last])
        return tuple(self._lines[first:] + self._lines[:last])

    def _drop_oldest(self) -> None:
        slot = self.start % len(self._lines)
        self._bytes -= self._sizes[slot]
        self._lines[slot], self._sizes[slot] = "", 0
        self.start += 1


class Fanout:
    """One source of lines. Use it from one event loop only.

    Args:
        history_lines: What new viewers can be given, and how far behind a viewer may fall.
        history_bytes: The same bound in bytes of UTF-8.
        batch_lines: Most lines in one batch.
        batch_delay_s: How long lines are gathered before viewers wake.
        first_seq: Number of the first line; give a later one when numbers must go on from an earlier fanout.
    """

    def __init__(
        self,
        *,
        history_lines: int = HISTORY_LINES,
        history_bytes: int = HISTORY_BYTES,
        batch_lines: int = BATCH_LINES,
        batch_delay_s: float = BATCH_DELAY_S,
        first_seq: int = 0,
    ) -> None:
        self._ring = LineRing(max_lines=history_lines, max_bytes=history_bytes, first_seq=first_seq)
        self._batch_lines = batch_lines
        self._batch_delay_s = batch_delay_s
        self._visible = first_seq  # viewers see lines below; moves once per batch delay
        self._timer: asyncio.TimerHandle | None = None
        self._woken: asyncio.Future[None] | None = None  # shared by everybody who waits
        self._shared: dict[tuple[int, int], Batch] = {}
        self.closed = False
        self.viewers = 0

    @property
    def next_seq(self) -> int:
        """The number the next line gets."""
        return self._ring.end

    def publish(self, line: str) -> int:
        """Add a line (cut at 64 KiB) and return its sequence number. Constant work, never waits."""
        if self.closed:
            return self._ring.end
        line, size_bytes = cut_line(line)
        self._ring.append(line, size_bytes)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._batch_delay_s, self._reveal)
        return self._ring.end - 1

    def history(self, lines: int) -> tuple[str, ...]:
        """The last lines, oldest first; fewer if fewer are held."""
        return self._ring.slice(max(self._ring.start, self._ring.end - lines), self._ring.end)

    def subscribe(self, history: int = 0, *, after_seq: int | None = None) -> Viewer:
        """A viewer that starts with the last `history` lines, or behind a line it has seen already.

        Args:
            after_seq: The last number this viewer saw, e.g. before its socket was closed by a restart. What is
                no longer held counts as skipped; a number that was never given out is ignored.
        """
        cursor = max(self._ring.start, self._visible - history)
        if after_seq is not None and after_seq < self._ring.end:
            cursor = max(after_seq + 1, 0)
        self.viewers += 1
        return Viewer(self, cursor)

    def close(self) -> None:
        """No more lines; viewers get what is left and then `FanoutClosed`."""
        if not self.closed:
            self.closed = True
            if self._timer is not None:
                self._timer.cancel()
            self._reveal()

    def _reveal(self) -> None:
        self._timer = None
        self._visible = self._ring.end
        self._wake()

    def _wake(self) -> None:
        woken, self._woken = self._woken, None
        if woken is not None and not woken.done():
            woken.set_result(None)

    async def _wait(self) -> None:
        if self._woken is None:
            self._woken = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._woken)  # shared: one viewer that is cancelled must not cancel the others

    def _take(self, cursor: int) -> Batch | None:
        skipped = max(0, self._ring.start - cursor)
        from_seq = cursor + skipped
        to_seq = min(max(self._visible, from_seq), from_seq + self._batch_lines)
        if from_seq >= to_seq:
            return None
        batch = self._shared_batch(from_seq, to_seq)
        return Batch(from_seq, to_seq, batch.lines, skipped) if skipped else batch

    def _shared_batch(self, from_seq: int, to_seq: int) -> Batch:
        batch = self._shared.get((from_seq, to_seq))
        if batch is None:
            batch = self._shared[from_seq, to_seq] = Batch(from_seq, to_seq, self._ring.slice(from_seq, to_seq))
            while len(self._shared) > SHARED_BATCHES:
                del self._shared[next(iter(self._shared))]
        return batch


class Viewer:
    """One reader of a fanout: nothing but a cursor."""

    def __init__(self, fanout: Fanout, cursor: int) -> None:
        self._fanout = fanout
        self._cursor = cursor
        self._closed = False

    @property
    def cursor(self) -> int:
        """The number of the next line this viewer gets (or learns it missed)."""
        return self._cursor

    async def next_batch(self) -> Batch:
        """Wait for lines and take them; at most `batch_lines`, gathered over the batch delay.

        Raises:
            FanoutClosed: The source or this viewer is closed and nothing is left.
        """
        while not self._closed:
            batch = self._fanout._take(self._cursor)  # the two classes are one machine
            if batch is not None:
                self._cursor = batch.to_seq
                return batch
            if self._fanout.closed:
                break
            await self._fanout._wait()  # as above
        raise FanoutClosed

    def rewind(self, lines: int) -> None:
        """Go back, at once, to what still is held of the last `lines` lines."""
        ring = self._fanout._ring
        self._cursor = max(ring.start, ring.end - lines)
        self._fanout._wake()

    def close(self) -> None:
        """Stop reading. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            self._fanout.viewers -= 1


def cut_line(line: str) -> tuple[str, int]:
    """The line within 64 KiB of UTF-8 and free of lone surrogates, and its size in bytes."""
    if line.isascii() and len(line) <= MAX_LINE_BYTES:
        return line, len(line)
    raw = line.encode("utf-8", "replace")[:MAX_LINE_BYTES]
    return raw.decode("utf-8", "ignore"), len(raw)
