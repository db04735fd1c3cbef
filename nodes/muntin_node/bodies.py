"""Request bodies: bounded, read under back-pressure, checked by pydantic."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from quart import Request, request
from quart.wrappers.request import Body
from werkzeug.exceptions import RequestEntityTooLarge

from muntin_node.errors import BadRequest

DEFAULT_BODY_BYTES = 1_048_576
UNROUTED_BYTES = 8_388_608  # until the route is known; a few parts at most come that early
HIGH_WATER_BYTES = 262_144
SWALLOW_S = 2.0
LIMIT = "_muntin_node_body_limit"

Model = TypeVar("Model", bound=BaseModel)
View = TypeVar("View", bound=Callable[..., Any])


def max_body(limit_bytes: Callable[[], int]) -> Callable[[View], View]:
    """Let a view take a larger body than 1 MiB, which it reads in parts: `async for chunk in request.body`.

    The client is made to wait while more than 256 KiB are unread; what is unread when the view answers is
    dropped. Put it directly above the function, with `@public`. The callable is asked at each request.
    """

    def mark(view: View) -> View:
        setattr(view, LIMIT, limit_bytes)
        return view

    return mark


class BoundedBody(Body):
    """A body whose bound is known once its route is; `request.body` in every view."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(expected_content_length, None)
        self._declared_bytes = expected_content_length
        self._received_bytes = 0
        self._limit_bytes = UNROUTED_BYTES
        self._streamed = False
        self._discarding = False
        self._all_came = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def allow(self, limit_bytes: int, *, streamed: bool) -> None:
        """Set the bound; what came already counts."""
        self._limit_bytes, self._streamed = limit_bytes, streamed
        if max(self._declared_bytes or 0, self._received_bytes) > limit_bytes:
            self._refuse()

    def append(self, data: bytes) -> None:
        """Called by the server with each part."""
        self._received_bytes += len(data)
        if self._must_raise is not None or self._discarding:
            return
        if self._received_bytes > self._limit_bytes:
            self._refuse()
            return
        super().append(data)
        if self._streamed and len(self._data) > HIGH_WATER_BYTES:
            self._room.clear()

    async def room(self) -> None:
        """Wait until the view has read enough of what came."""
        await self._room.wait()

    async def __anext__(self) -> bytes:
        try:
            return await super().__anext__()
        finally:
            self._room.set()

    def __await__(self) -> Generator[Any, None, Any]:
        self._streamed = False  # whoever wants it whole must not wait for room
        self._room.set()
        return super().__await__()

    def set_complete(self) -> None:
        """Called by the server when all has come."""
        self._all_came.set()
        super().set_complete()

    def discard(self) -> None:
        """Drop what is unread and what still comes."""
        self._discarding = True
        self.clear()
        self._room.set()

    @property
    def complete(self) -> bool:
        """Whether all of it has come."""
        return self._all_came.is_set()

    async def swallow(self, patience_s: float = SWALLOW_S) -> None:
        """Let a refused client finish sending, for a while: one that is cut off would not read why."""
        self.discard()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_came.wait(), patience_s)

    def _refuse(self) -> None:
        self._must_raise = RequestEntityTooLarge()
        self.clear()
        self._room.set()
        super().set_complete()


class NodeRequest(Request):
    """A request with a bounded body."""

    body_class = BoundedBody


async def swallow_body() -> None:
    """Read and drop the rest of the current request's body, before an answer that refuses it."""
    if isinstance(request.body, BoundedBody):
        await request.body.swallow()


def bound_body(view: Callable[..., Any] | None) -> None:
    """Apply the view's bound to the current request."""
    limit = getattr(view, LIMIT, None)
    body = request.body
    assert isinstance(body, BoundedBody)  # noqa: S101 - the app's request class
    body.allow(limit() if limit else DEFAULT_BODY_BYTES, streamed=limit is not None)


async def json_body(kind: type[Model]) -> Model:
    """The current request's JSON body as a model.

    Raises:
        BadRequest: Not JSON, or it does not hold; the message names each field.
    """
    raw = await request.get_data(as_text=False)
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors())
        raise BadRequest(f"The data passed in the request was not in a parsable format: {wrong}") from None
