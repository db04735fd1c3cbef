"""The form of a webhook: its own fields, and those of its destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from muntin.errors import InvalidInput
from muntin.pages import forms
from muntin.translation import _
from muntin_webhooks.destinations.destination import MASK, Destination
from muntin_webhooks.schemas import EventKind, Webhook

PREFIX = "to_"
"""Begins the names of the destination's fields in the form."""


def form_fields(
    destination: Destination,
    known: Mapping[str, Any],
    config: Mapping[str, Any],
    errors: Mapping[str, Any],
    kinds: Sequence[tuple[str, list[EventKind]]],
) -> list[forms.Field]:
    """All fields with what stands in them; `kinds` are the events that are offered."""
    return [
        _field("name", _("Name"), known, errors, required=True, max=191, autofocus=True),
        *_destination_fields(destination, known, config, errors),
        _field("events", _("Events"), known, errors, kind="tags", required=True, placeholder="server.*",
               help=_("Types of events; a star stands for anything."), options=_offered(kinds)),
        _field("filters", _("Only when"), known, errors, kind="textarea", rows=2, placeholder="server_id = …",
               help=_("One condition a line, such as: resource.id = 5f3a…. All have to hold.")),
        _field("description", _("Notes"), known, errors, kind="textarea", rows=2),
        _field("timeout_s", _("Longest wait"), known, errors, kind="number", min=1, max=30, unit=_("seconds")),
        _field("is_enabled", _("Switched on"), known, errors, kind="switch"),
    ]  # fmt: skip


def known_values(webhook: Webhook | None) -> dict[str, Any]:
    """What stands in the fields before anybody types."""
    if webhook is None:
        return {"events": "*", "timeout_s": 15, "is_enabled": True}
    return {
        "name": webhook.name,
        "events": ", ".join(webhook.events),
        "filters": "\n".join(f"{one['field']} = {_shown(one['equals'])}" for one in webhook.filters),
        "description": webhook.description,
        "timeout_s": webhook.timeout_s,
        "is_enabled": webhook.enabled,
    }


def input_of(destination: Destination, sent: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed as the services take it.

    Raises:
        InvalidInput: A condition or a header is no such line.
    """
    return {
        "name": sent.get("name", ""),
        "kind": destination.kind,
        "config": _config(destination, sent),
        "events": [part.strip() for part in str(sent.get("events", "")).replace("\n", ",").split(",") if part.strip()],
        "filters": [_filter(line) for line in str(sent.get("filters", "")).splitlines() if line.strip()],
        "description": str(sent.get("description", "")).replace("\r\n", "\n"),
        "timeout_s": sent.get("timeout_s") or 15,
        "is_enabled": sent.get("is_enabled") in ("true", "on", "1"),
    }


def suggested(events: list[EventKind]) -> list[tuple[str, list[EventKind]]]:
    """The types by category, for the list beside the form."""
    found: dict[str, list[EventKind]] = {}
    for one in events:
        found.setdefault(one.category, []).append(one)
    return sorted(found.items())


def _offered(kinds: Sequence[tuple[str, list[EventKind]]]) -> list[tuple[str, str]]:
    """What the field of events offers: all of a category, and each."""
    groups = [(f"{category}.*", _("All of {category}", category=category)) for category, _types in kinds]
    return [*groups, *((one.type, one.description) for _category, types in kinds for one in types)]


def _field(name: str, label: str, known: Mapping[str, Any], errors: Mapping[str, Any], **more: Any) -> forms.Field:
    return {"name": name, "label": label, "value": known.get(name, ""), "errors": list(errors.get(name, ())), **more}


def _destination_fields(
    destination: Destination, known: Mapping[str, Any], config: Mapping[str, Any], errors: Mapping[str, Any]
) -> list[forms.Field]:
    typed = {name: known[PREFIX + name] for name in destination.model.model_fields if PREFIX + name in known}
    wrong = {name: errors[f"config.{name}"] for name in destination.model.model_fields if f"config.{name}" in errors}
    if "url" in errors:
        wrong[destination.address_field] = errors["url"]
    found = forms.fields(destination.model, {**config, **typed}, errors=wrong)
    for one in found:
        if one["name"] == "headers":
            value = one["value"]
            lines = (
                value if isinstance(value, str) else "\n".join(f"{key}: {text}" for key, text in (value or {}).items())
            )
            one |= {"kind": "textarea", "rows": 2, "value": lines, "placeholder": "Authorization: Bearer …"}
        one["name"] = PREFIX + one["name"]
    return found


def _config(destination: Destination, sent: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name in destination.model.model_fields:
        value = sent.get(PREFIX + name)
        if name == "headers" and value is not None:
            config[name] = dict(_header(line) for line in str(value).splitlines() if line.strip())
        elif value not in (None, MASK):
            config[name] = value
    return config


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise InvalidInput.of("config.headers", _("Write one header a line, such as X-Token: abc."))
    return name.strip(), value.strip()


def _filter(line: str) -> dict[str, Any]:
    name, equals, value = line.partition("=")
    if not equals:
        raise InvalidInput.of("filters", _("Write one condition a line, such as resource.id = 5f3a…."))
    text = value.strip()
    return {"field": name.strip(), "equals": {"true": True, "false": False}.get(text, text)}


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
