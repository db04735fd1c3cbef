"""The bus over Redis or Valkey, where one is configured (extra `redis`)."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any

from redis import asyncio as redis
from redis.exceptions import RedisError

from muntin.bus.reconnecting import Link, Message, ReconnectingBus


class RedisBus(ReconnectingBus):
    """Publishes and listens on one channel; `namespace` keeps installations that share a server apart."""

    def __init__(self, url: str, *, namespace: str) -> None:
        super().__init__()
        self._url = url
        self._channel = f"muntin:{namespace}:bus"
        self._origin = secrets.token_hex(6)

    async def _connect(self) -> Link:
        client: Any = redis.from_url(self._url, socket_connect_timeout=5, socket_timeout=30)
        try:
            listener = client.pubsub()
            await listener.subscribe(self._channel)
        except (RedisError, TimeoutError) as error:
            await client.aclose()
            raise ConnectionError(str(error)) from error
        return _RedisLink(client, listener, self._channel, self._origin, self._receive)


class _RedisLink(Link):
    def __init__(
        self, client: Any, listener: Any, channel: str, origin: str, receive: Callable[[str, str | bytes], None]
    ) -> None:
        super().__init__()
        self._client = client
        self._listener = listener
        self._channel = channel
        self._origin = origin
        self._task = asyncio.create_task(self._listen(receive), name="muntin-bus-reader")

    async def send(self, messages: list[Message]) -> None:
        try:
            for message in messages:
                await self._client.publish(self._channel, json.dumps([self._origin, message.topic, message.text]))
        except RedisError as error:
            raise ConnectionError(str(error)) from error

    async def check(self) -> None:
        try:
            await self._client.ping()
        except RedisError as error:
            raise ConnectionError(str(error)) from error

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._listener.aclose()
        await self._client.aclose()

    def want(self, pattern: str) -> None:
        """The channel brings everything."""

    def want_no_longer(self, pattern: str) -> None:
        """As `want`."""

    async def _listen(self, receive: Callable[[str, str | bytes], None]) -> None:
        try:
            while True:
                message = await self._listener.get_message(ignore_subscribe_messages=True, timeout=10)
                if message is not None:
                    origin, topic, text = json.loads(message["data"])
                    if origin != self._origin:
                        receive(topic, text)
        except (RedisError, OSError, ValueError):
            pass  # whatever it was, the link is over
        finally:
            self.broken.set()
