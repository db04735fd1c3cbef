"""What it contributes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar
from uuid import UUID

import orjson
from pydantic import Field, SecretStr

from muntin.events import Event
from muntin.outgoing import OutgoingAnswer
from muntin.plugins import hookimpl
from muntin_webhooks.destinations.destination import Config, Destination, Notification, Rendered, Verdict

SHARED: dict[str, set[UUID]] = {}
"""Pigeon -> accounts that may see it beside its owner; a plugin would ask its table."""


class PigeonFlown(Event):
    """A pigeon left its loft."""

    type = "pigeon.flown"
    subject: ClassVar[str] = "pigeon_id"
    concerns: ClassVar[tuple[str, ...]] = ("owner_id",)

    pigeon_id: UUID
    owner_id: UUID

    @classmethod
    async def shared_with(cls, resource_id: str) -> Collection[UUID]:
        """Whoever feeds it."""
        if resource_id == "lost":
            raise RuntimeError("nobody knows")
        return SHARED.get(resource_id, ())


class LoftConfig(Config):
    """Where the pigeon flies to."""

    loft: str = Field(title="Loft")
    ring: SecretStr = Field(title="Ring")

    def address(self) -> str:
        """The loft; the ring is a secret."""
        return self.loft


def render(config: LoftConfig, one: Notification) -> Rendered:
    """A slip of paper."""
    if one.data.get("heavy"):
        raise ValueError("too heavy")
    slip = {"ring": config.ring.get_secret_value(), "says": f"{one.type} at {one.panel_name}", "no": one.sequence}
    return Rendered(url=config.loft, method="PUT", headers={"X-Feathers": "grey"}, body=orjson.dumps(slip))


def judge(answer: OutgoingAnswer) -> Verdict:
    """A pigeon that says coo was fed; of one that says nothing more comes back never."""
    if answer.body == b"coo":
        return Verdict("delivered")
    return Verdict("gone" if answer.body == b"hawk" else "failed", 600.0)


@hookimpl
def muntin_events() -> Iterable[type[Event]]:
    yield PigeonFlown


@hookimpl
def muntin_webhooks_destinations() -> Iterable[Destination]:
    yield Destination(kind="pigeon", label="Pigeon", model=LoftConfig, render=render, judge=judge, address_field="loft")
    yield Destination(kind="http", label="Not HTTP", model=LoftConfig, render=render)  # ours stays
