from __future__ import annotations

import asyncio
import json
import time
import tracemalloc

import pytest

from muntin_node.fanout import Batch, BatchCache, Fanout, FanoutClosed, Viewer

QUICK_S = 0.005


async def read(viewer: Viewer, lines: int) -> list[str]:
    got: list[str] = []
    while len(got) < lines:
        got += (await asyncio.wait_for(viewer.next_batch(), 30)).lines
    return got


async def test_lines_of_one_moment_come_as_one_batch_with_their_numbers() -> None:
    fanout = Fanout(first_seq=100, batch_delay_s=QUICK_S)
    viewer = fanout.subscribe()

    numbers = [fanout.publish(f"line {number}") for number in range(3)]

    assert numbers == [100, 101, 102]
    assert await viewer.next_batch() == Batch(100, 103, ("line 0", "line 1", "line 2"))


async def test_a_new_viewer_gets_the_history_it_asked_for() -> None:
    fanout = Fanout(batch_delay_s=QUICK_S)
    early = fanout.subscribe()
    for number in range(10):
        fanout.publish(str(number))
    await read(early, 10)

    batch = await fanout.subscribe(history=3).next_batch()

    assert batch == Batch(7, 10, ("7", "8", "9"))
    assert fanout.history(2) == ("8", "9")


async def test_a_viewer_that_comes_back_misses_nothing_and_gets_nothing_twice() -> None:
    fanout = Fanout(batch_delay_s=QUICK_S)
    first = fanout.subscribe()
    for number in range(5):
        fanout.publish(str(number))
    seen = (await first.next_batch()).to_seq - 1
    first.close()
    fanout.publish("while away")

    back = fanout.subscribe(after_seq=seen)

    assert (await back.next_batch()).lines == ("while away",)


async def test_a_number_from_another_life_of_the_source_is_ignored() -> None:
    fanout = Fanout(batch_delay_s=QUICK_S)
    viewer = fanout.subscribe(after_seq=9_000)

    fanout.publish("now")

    assert await viewer.next_batch() == Batch(0, 1, ("now",))


async def test_history_is_bounded_in_lines_and_bytes() -> None:
    by_lines = Fanout(history_lines=5, batch_delay_s=QUICK_S)
    by_bytes = Fanout(history_bytes=1_000, batch_delay_s=QUICK_S)

    for number in range(50):
        by_lines.publish(str(number))
        by_bytes.publish("é" * 100)

    assert by_lines.history(100) == ("45", "46", "47", "48", "49")
    assert len(by_bytes.history(100)) == 5
    by_lines.close()
    by_bytes.close()


async def test_a_slow_viewer_learns_once_how_much_it_missed() -> None:
    fanout = Fanout(history_lines=10, batch_lines=4, batch_delay_s=QUICK_S)
    slow = fanout.subscribe()
    for number in range(25):
        fanout.publish(str(number))
    await asyncio.sleep(0.02)

    batches = [await slow.next_batch() for _ in range(3)]

    assert batches == [
        Batch(15, 19, ("15", "16", "17", "18"), skipped=15),
        Batch(19, 23, ("19", "20", "21", "22")),
        Batch(23, 25, ("23", "24")),
    ]


@pytest.mark.parametrize(
    ("line", "wanted_bytes"), [("a" * 70_000, 65_536), ("é" * 40_000, 65_536), ("\ud800x", 2)], ids=["a", "é", "half"]
)
async def test_a_line_is_cut_at_64_kib_and_always_encodes(line: str, wanted_bytes: int) -> None:
    fanout = Fanout(batch_delay_s=QUICK_S)

    fanout.publish(line)

    assert len(fanout.history(1)[0].encode()) == wanted_bytes
    fanout.close()


async def test_a_closed_source_gives_what_is_left_and_ends() -> None:
    fanout = Fanout()
    viewer, waiting = fanout.subscribe(), fanout.subscribe()
    asleep = asyncio.create_task(read(waiting, 1))
    fanout.publish("last")
    fanout.close()

    assert (await viewer.next_batch()).lines == ("last",)
    with pytest.raises(FanoutClosed):
        await viewer.next_batch()
    assert await asleep == ["last"]
    assert fanout.publish("too late") == 1


async def test_a_viewer_that_leaves_while_it_waits_does_not_disturb_the_others() -> None:
    fanout = Fanout(batch_delay_s=QUICK_S)
    leaving, staying = fanout.subscribe(), fanout.subscribe()
    tasks = [asyncio.create_task(leaving.next_batch()), asyncio.create_task(staying.next_batch())]
    await asyncio.sleep(0)
    tasks[0].cancel()
    leaving.close()
    leaving.close()

    fanout.publish("hello")

    assert (await tasks[1]).lines == ("hello",)
    assert fanout.viewers == 1


async def test_viewers_at_the_same_place_share_one_batch_that_is_encoded_once() -> None:
    fanout = Fanout(batch_delay_s=QUICK_S)
    encoded: list[tuple[int, int]] = []

    def encode(batch: Batch) -> bytes:
        encoded.append(batch.key)
        return json.dumps(batch.lines).encode()

    cache = BatchCache(encode)
    viewers = [fanout.subscribe() for _ in range(50)]
    fanout.publish("one")
    batches = [await viewer.next_batch() for viewer in viewers]

    frames = {id(cache.get(batch)) for batch in batches}

    assert (len(frames), encoded, len({id(batch) for batch in batches})) == (1, [(0, 1)], 1)


async def test_500_viewers_get_every_line_in_order_and_a_stuck_one_costs_nothing() -> None:
    fanout = Fanout(history_lines=400)
    cache = BatchCache(lambda batch: json.dumps(batch.lines).encode())
    stuck = fanout.subscribe()
    lines_per_s, total = 200, 600
    received = [0] * 500
    in_order = [True] * 500
    delays_s: list[float] = []

    async def watch(number: int, viewer: Viewer) -> None:
        while received[number] < total:
            batch = await viewer.next_batch()
            cache.get(batch)
            in_order[number] &= batch.from_seq == received[number] and batch.skipped == 0
            received[number] = batch.to_seq
            delays_s.append(time.monotonic() - float(batch.lines[0]))

    watching = [asyncio.create_task(watch(number, fanout.subscribe())) for number in range(500)]
    await asyncio.sleep(0)
    used_s, started_s, worst_pause_s = time.process_time(), time.monotonic(), 0.0
    for number in range(total):
        fanout.publish(str(time.monotonic()))
        before_s, pause_s = time.monotonic(), max(0.0, started_s + number / lines_per_s - time.monotonic())
        await asyncio.sleep(pause_s)
        worst_pause_s = max(worst_pause_s, time.monotonic() - before_s - pause_s)
    await asyncio.wait_for(asyncio.gather(*watching), 60)
    used_s = time.process_time() - used_s

    assert (set(received), all(in_order)) == ({total}, True)
    assert sorted(delays_s)[int(len(delays_s) * 0.99)] < 0.25 + worst_pause_s  # the machine's own pauses
    assert used_s < 0.5 * (time.monotonic() - started_s)
    late = await stuck.next_batch()
    assert (late.skipped, late.from_seq) == (200, 200)


async def test_memory_stays_flat_however_many_lines_nobody_reads() -> None:
    fanout = Fanout(history_lines=1_000, batch_delay_s=0.001)
    viewers = [fanout.subscribe() for _ in range(500)]
    memory: list[int] = []
    tracemalloc.start()

    for number in range(6_000):
        fanout.publish(f"{number:0100}")
        if number % 100 == 0:
            await asyncio.sleep(0)
        if number in (2_000, 5_999):
            memory.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    fanout.close()

    assert memory[1] - memory[0] < 50_000
    assert {(await viewer.next_batch()).skipped for viewer in viewers} == {5_000}
