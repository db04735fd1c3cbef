"""The fields of a webhook's destination: checked, kept encrypted, shown without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import SecretStr, ValidationError

from muntin.encryption import decrypt, encrypt
from muntin.errors import InvalidInput
from muntin.outgoing import AddressRefused, read_target
from muntin.translation import _
from muntin_webhooks.destinations.addresses import STORED
from muntin_webhooks.destinations.destination import MASK, Config, Destination, plain
from muntin_webhooks.destinations.known import destinations

PLACE = "webhooks:config"


def find_destination(kind: str) -> Destination:
    """The destination of that kind.

    Raises:
        InvalidInput: No enabled plugin knows it.
    """
    found = destinations().get(kind)
    if found is None:
        known = ", ".join(sorted(destinations()))
        raise InvalidInput.of("type", _("There is no such destination; known are: {known}.", known=known))
    return found


def checked(destination: Destination, values: Mapping[str, Any]) -> Config:
    """The fields as the destination's form.

    Raises:
        InvalidInput: Names the address as `url`, other fields as `config.<field>`.
    """
    try:
        return destination.model.model_validate(dict(values))
    except ValidationError as error:
        wrong: dict[str, list[str]] = {}
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            name = str(one["loc"][0]) if one["loc"] else "config"
            shown = "url" if name == destination.address_field else f"config.{name}"[:255]
            wrong.setdefault(shown, []).append(one["msg"].removeprefix("Value error, "))
        raise InvalidInput(wrong) from None


def merged(before: Config, destination: Destination, values: Mapping[str, Any]) -> dict[str, Any]:
    """New values over the old ones; a masked one that was sent back stays as it is."""
    old, masked = plain(before), shown(before)
    result = dict(old)
    for name, value in values.items():
        if name in old and value == masked[name]:
            continue
        if isinstance(value, Mapping) and isinstance(old.get(name), Mapping):
            known = old[name]
            value = {key: known[key] if inner == MASK and key in known else inner for key, inner in value.items()}
        result[name] = value
    if values.get(destination.address_field) == before.address():
        result[destination.address_field] = old[destination.address_field]
    return result


def refuse_to_take_secrets_along(
    destination: Destination, before: Config, after: Config, typed: Mapping[str, Any]
) -> None:
    """Whoever may change the address need not know the secrets, so they do not go to another host untyped.

    Raises:
        InvalidInput: They would.
    """
    field = destination.address_field
    if _origin(plain(before).get(field)) == _origin(plain(after).get(field)):
        return
    kept = set(secrets_of(before)) & set(secrets_of(after))
    if kept - set(_texts(typed)):
        raise InvalidInput.of("url", _("This is another host; type the secrets that go there once more."))


def _origin(address: object) -> object:
    """Scheme, host and port; of what is no address the thing itself."""
    try:
        target = read_target(str(address))
    except AddressRefused:
        return address
    return target.scheme, target.host, target.port


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def seal(config: Config) -> str:
    """As it is stored."""
    return encrypt(orjson.dumps(plain(config)).decode(), PLACE)


def open_config(destination: Destination, sealed: str) -> Config:
    """The inverse; what was fine when it was stored is not refused.

    Raises:
        CannotDecrypt: The panel's key is another one.
    """
    return destination.model.model_validate(orjson.loads(decrypt(sealed, PLACE)), context=STORED)


def shown(config: Config) -> dict[str, Any]:
    """For people: secrets masked."""
    return {name: _masked(getattr(config, name)) for name in type(config).model_fields}


def secrets_of(config: Config) -> list[str]:
    """Every secret value in the form, the longest first, so that they can be taken out of texts."""
    found = [value for name in type(config).model_fields for value in _secret_values(getattr(config, name))]
    return sorted({one for one in found if len(one) >= 4}, key=len, reverse=True)


def _masked(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, Mapping):
        return {str(name): _masked(inner) for name, inner in value.items()}
    return value


def _secret_values(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in _secret_values(inner)]
    return []
