"""Whether the panel is alive, ready, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from muntin import __version__
from muntin.access import Actor
from muntin.health import system_health
from muntin.routing import Routes

routes = Routes(dialect="native", prefix="/api/v1", tags=("system",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """That the API answers."""

    status: str
    version: str
    time: datetime


@routes.get("/health", returns=Health, service=system_health)
async def health(actor: Actor) -> Health:
    """Whether the API answers."""
    await system_health(actor)
    return Health(status="ok", version=__version__, time=datetime.now(UTC))
