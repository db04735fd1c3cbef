"""The one stream of a page: server-sent events that tell which parts changed.

A plugin calls `tell`; pages whose stream listens to the channel get it, in whichever process they are held. A page says
when it was made (`?since=`), a browser that comes back what it heard last; what was told since comes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import orjson
from quart import Response

from muntin.bus import Json, Unsubscribe
from muntin.call import Call
from muntin.connections import Stream
from muntin.pages.live_memory import missed, now_ms
from muntin.runtime import panel

KEEP_ALIVE_S = 20.0
QUEUED = 500
RETRY_MS = 1000
REFRESH = "refresh"
Sent = tuple[int, Json]
"""When it was told, in milliseconds since 1970, and what."""


def tell(channel: str, topic: str, *, values: Mapping[str, Json] | None = None, state: str = "") -> None:
    """Tell every page that listens to the channel what changed of a topic (`server:<id>`).

    Args:
        channel: `account.<id>` for one person's pages, `admin` for administrators'.
        values: Field -> text; goes to `data-field` and `data-bar` inside `data-live="<topic>"`.
        state: The new state, for the badges in there.
    """
    message: dict[str, Json] = {"topic": topic, "values": dict(values or {})}
    panel().bus.publish(f"live.{channel}", message | ({"state": state} if state else {}))


Translate = Callable[[Json], Json]


def stream(call: Call, channels: Sequence[str], *, also: Mapping[str, Translate] | None = None) -> Response:
    """A stream of the channels, until the browser leaves or the process drains; browsers come back by themselves.

    Args:
        also: Other topics of the bus, with what makes a message of their data.
    """
    queue: asyncio.Queue[Sent] = asyncio.Queue(maxsize=QUEUED)
    wanted: dict[str, Translate] = {**{f"live.{channel}": _as_it_is for channel in channels}, **(also or {})}
    response = Response(_events(call, wanted, queue), content_type="text/event-stream")
    response.headers |= {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response.timeout = None
    return response


def _as_it_is(data: Json) -> Json:
    return data


def _follow(topic: str, translate: Translate, queue: asyncio.Queue[Sent]) -> Unsubscribe:
    return panel().bus.subscribe(topic, lambda _topic, data: _offer(queue, (now_ms(), translate(data))))


async def _events(call: Call, wanted: Mapping[str, Translate], queue: asyncio.Queue[Sent]) -> AsyncIterator[bytes]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a generator that is iterated runs in a task
    connection = Stream(call, task)
    panel().connections.open.add(connection)
    ends = [_follow(topic, translate, queue) for topic, translate in wanted.items()]
    try:
        began_ms = now_ms()
        yield f"retry: {RETRY_MS}\n\n".encode()
        for one in _catch_up(call, wanted):
            yield _event(one)
        yield f"id: {began_ms}\n\n".encode()
        while True:
            yield await _next(queue)
    finally:
        panel().connections.open.discard(connection)
        for end in ends:
            end()


def _catch_up(call: Call, wanted: Mapping[str, Translate]) -> list[Sent]:
    """What the page has missed; that it has to look itself, where that is not known."""
    heard, made = call.request.headers.get("Last-Event-ID", ""), call.request.args.get("since", "")
    if not (heard.isdecimal() or made.isdecimal()):
        return []
    heard_ms, made_ms = int(heard) if heard.isdecimal() else None, int(made) if made.isdecimal() else 0
    told = missed(panel(), wanted, heard_ms=heard_ms, made_ms=made_ms)
    if told is None:
        return [(now_ms(), REFRESH)]
    return [(one.at_ms, wanted[one.topic](one.data)) for one in told]


async def _next(queue: asyncio.Queue[Sent]) -> bytes:
    try:
        return _event(await asyncio.wait_for(queue.get(), KEEP_ALIVE_S))
    except TimeoutError:
        return b": still here\n\n"


def _event(sent: Sent) -> bytes:
    at_ms, data = sent
    if data == REFRESH:
        return f"event: refresh\nid: {at_ms}\ndata: {{}}\n\n".encode()
    return f"id: {at_ms}\n".encode() + b"data: " + orjson.dumps(data) + b"\n\n"


def _offer(queue: asyncio.Queue[Sent], sent: Sent) -> None:
    if queue.full():  # a browser that does not read: what waits is dropped, and the page is told to look itself
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait((sent[0], REFRESH))
    queue.put_nowait(sent)
