"""Between the rows of settings and their models: encryption, defaults, and values that no longer fit."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from muntin.encryption import CannotDecrypt, decrypt, encrypt

log = logging.getLogger("muntin.settings")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Stored:
    """One section as it lies in the database; version 0 when it was never changed."""

    version: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)


def secret_fields(model: type[BaseModel]) -> frozenset[str]:
    """Names of the fields that are encrypted and never shown."""
    return frozenset(name for name, info in model.model_fields.items() if "SecretStr" in str(info.annotation))


def lock(section: str, model: type[BaseModel], values: Mapping[str, object]) -> dict[str, object]:
    """JSON values with the secret ones encrypted, each for its own place."""
    locked = dict(values)
    for name in secret_fields(model) & locked.keys():
        if locked[name] is not None:
            locked[name] = encrypt(str(locked[name]), _place(section, name))
    return locked


def unlock(section: str, model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values in plain; a secret that cannot be read (key lost) is as if it had never been set."""
    secrets = secret_fields(model)
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if name not in secrets or value is None:
            plain[name] = value
            continue
        try:
            plain[name] = decrypt(value, _place(section, name))
        except CannotDecrypt:
            log.error("The secret %s.%s cannot be decrypted; set it anew", section, name)
    return plain


def build(section: str, model: type[Model], values: Mapping[str, Any]) -> Model:
    """The section from stored values; those the model no longer takes are left out and logged."""
    remaining = dict(values)
    while True:
        try:
            return model.model_validate(remaining)
        except ValidationError as error:
            wrong = {str(one["loc"][0]) for one in error.errors() if one["loc"]} & remaining.keys()
            if not wrong:
                raise
            log.warning("Stored settings of %s are not valid any more: %s", section, ", ".join(sorted(wrong)))
            remaining = {name: value for name, value in remaining.items() if name not in wrong}


def plain_values(values: BaseModel) -> dict[str, Any]:
    """Fields as plain JSON, secrets readable: only for building a changed section and for storing it."""
    dumped = values.model_dump(mode="json")
    for name in secret_fields(type(values)):
        secret = getattr(values, name)
        dumped[name] = secret.get_secret_value() if isinstance(secret, SecretStr) else None
    return dumped


def _place(section: str, name: str) -> str:
    return f"settings:{section}.{name}"
