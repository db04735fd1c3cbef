"""A delivery as it was stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A stored delivery, with its message; `concerned` are the accounts that the event itself names."""

    number: int
    id: UUID
    attempts: int
    message_id: UUID
    type: str
    version: int
    resource_type: str
    resource_id: str
    sequence: int
    occurred_at: datetime
    payload: Any
    concerned: Sequence[UUID] = ()
    history: Sequence[Mapping[str, Any]] = ()
