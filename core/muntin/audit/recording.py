"""Writing the audit log, in the transaction of what it tells of, and never with a secret in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr

from muntin.access import Actor, Grants
from muntin.audit.models import AuditRow
from muntin.database import Transaction

Subject = tuple[str, object]
"""Type and id of what was changed: `("user", account.id)`."""

HIDDEN = "********"
MAX_TEXT = 1000
_SECRET_NAME = re.compile(
    r"passw|secret|token|api_?key\Z|private|credential|authorization|cookie|signature|recovery|otp|hash\Z|\Acode\Z",
    re.IGNORECASE,
)
_TYPES = {"account": "user", "anonymous": "user", "api_key": "api_key"}


async def record(
    events: Transaction,
    actor: Actor,
    event: str,
    subject: Subject,
    properties: Mapping[str, object] | None = None,
) -> None:
    """Keep that the actor did something to the subject.

    Args:
        events: Asked for so that nobody records outside a transaction; the row is kept if, and only if, it commits.
        event: In the past tense, `user.updated`.
        properties: What changed, in plain words; values whose name or type says that they are secret are hidden.
    """
    await AuditRow.create(
        event=event,
        actor_type=_TYPES.get(actor.kind, "system"),
        actor_id=actor.account_id,
        actor_username=actor.username[:64] or None,
        subject_type=subject[0],
        subject_id=str(subject[1])[:255],
        ip=actor.address[:64] or None,
        properties=redacted(properties or {}),
    )


def redacted(value: object, name: str = "") -> Any:
    """The value as plain JSON with everything secret replaced by asterisks.

    Args:
        name: The key the value stands under; names such as `password` or `token` hide it.
    """
    if value is None or isinstance(value, bool):
        return value  # says at most that a secret was or was not set
    if isinstance(value, SecretStr | SecretBytes) or _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {_text(key): redacted(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, Grants | frozenset | set):
        return sorted(str(one) for one in value)
    if isinstance(value, list | tuple):
        return [redacted(one) for one in value]
    return _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    return _text(value)


def _text(value: object) -> str:
    """Cut, and without the one character that no database takes."""
    return str(value)[:MAX_TEXT].replace("\0", "\ufffd")
