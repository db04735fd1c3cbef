"""Writing the audit log, in the transaction of what it tells of, and never with a secret in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from muntin.access import Actor, Grants
from muntin.audit.models import AuditRow
from muntin.database import Transaction
from muntin.runtime import open_panel

Subject = tuple[str, object]
"""Type and id of what was changed: `("user", account.id)`."""

HIDDEN = "********"
MAX_TEXT = 1000
_SECRET_NAME = re.compile(
    r"passw|secret|token|api_?key\Z|private|credential|authorization|cookie|signature|recovery|otp|hash\Z|\Acode\Z",
    re.IGNORECASE,
)
_NAMES_ONLY = frozenset({"environment", "env", "variables"})
"""Whatever stands under these was chosen by users for programs of theirs: any of it may be a secret."""
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
        properties: What changed, in plain words. Hidden are values whose name or type says that they are secret, and
            fields of models that say so (`json_schema_extra={"secret": True}`); of what stands under `environment`,
            `env` or `variables` only the names are kept.
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
        plugin=_recorder(),
    )


def _recorder() -> str | None:
    """The plugin whose module awaits `record`: what a plugin did to things of the core goes when it is purged."""
    panel = open_panel()
    caller = sys._getframe(2).f_globals.get("__name__", "")
    return panel.registry.owner_of(caller) if panel else None


def redacted(value: object, name: str = "") -> Any:
    """The value as plain JSON with everything secret replaced by asterisks.

    Args:
        name: The key the value stands under; names such as `password` or `token` hide it.
    """
    if value is None or isinstance(value, bool):
        return value  # says at most that a secret was or was not set
    if isinstance(value, SecretStr | SecretBytes) or _SECRET_NAME.search(name):
        return HIDDEN
    if name in _NAMES_ONLY:
        return _names(value)
    if isinstance(value, BaseModel):
        return {field: redacted(inner, field) for field, inner in _declared(value).items()}
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {_text(key): redacted(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, Grants | frozenset | set):
        return sorted(str(one) for one in value)
    if isinstance(value, list | tuple):
        return [redacted(one) for one in value]
    return _plain(value)


def _declared(model: BaseModel) -> dict[str, object]:
    """Fields of a model; what it declares secret is hidden already."""
    fields = type(model).model_fields
    return {
        name: HIDDEN if value is not None and name in fields and _is_secret(fields[name]) else value
        for name, value in model
    }


def _is_secret(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("secret"))


def _names(value: object) -> Any:
    """The names of variables, whether they come as a mapping or as a list of definitions."""
    if isinstance(value, Mapping):
        return sorted(_text(key) for key in value)
    if not isinstance(value, list | tuple):
        return HIDDEN
    return [_text(_name_of(one)) for one in value]


def _name_of(one: object) -> object:
    fields = one if isinstance(one, Mapping) else dict(one) if isinstance(one, BaseModel) else {}
    return fields.get("env_variable") or fields.get("name") or HIDDEN


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
