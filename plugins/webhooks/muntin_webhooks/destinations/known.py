"""The destinations of the enabled plugins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from muntin.runtime import panel
from muntin_webhooks.destinations.destination import Destination
from muntin_webhooks.destinations.discord import DISCORD
from muntin_webhooks.destinations.http import HTTP
from muntin_webhooks.destinations.slack import SLACK
from muntin_webhooks.destinations.telegram import TELEGRAM

OWN = (HTTP, SLACK, DISCORD, TELEGRAM)


def destinations() -> Mapping[str, Destination]:
    """Kind -> destination; of two of one kind the first plugin's by name, ours before all."""
    return _collected(panel().registry.enabled)


@lru_cache(maxsize=4)
def _collected(enabled: frozenset[str]) -> Mapping[str, Destination]:
    found = {one.kind: one for one in OWN}
    others = sorted(panel().collect("muntin_webhooks_destinations"), key=lambda owned: owned.plugin)
    for owned in others:
        if isinstance(owned.value, Destination):
            found.setdefault(owned.value.kind, owned.value)
    return found
