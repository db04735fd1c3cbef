"""A webhook as the sender knows it: opened once per change rather than once per delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from muntin.outgoing import TimeLimits
from muntin_webhooks.destinations.destination import Config, Destination
from muntin_webhooks.destinations.known import destinations
from muntin_webhooks.endpoints.configuring import open_config, secrets_of
from muntin_webhooks.keys import Key, opened
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.sending.schedule import Schedule

CONNECT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where one webhook's deliveries go.

    Attributes:
        secrets: Values that must not stand in any log.
    """

    id: UUID
    name: str
    account_id: UUID | None
    destination: Destination
    config: Config
    keys: Sequence[Key]
    schedule: Schedule
    limits: TimeLimits
    secrets: tuple[str, ...]


def receiver_of(row: EndpointRow) -> Receiver | None:
    """What the sender needs; `None` while the destination's plugin is not enabled.

    Raises:
        CannotDecrypt: The panel's key is another one.
    """
    destination = destinations().get(row.kind)
    if destination is None:
        return None
    config, keys = open_config(destination, row.config), opened(row.keys)
    timeout_s = float(row.timeout_s)
    return Receiver(
        id=row.id,
        name=row.name,
        account_id=row.account_id,
        destination=destination,
        config=config,
        keys=keys,
        schedule=Schedule(row.retry_count, row.retry_delay_s),
        limits=TimeLimits(connect_s=min(CONNECT_S, timeout_s), read_s=timeout_s, total_s=timeout_s),
        secrets=(*secrets_of(config), *(key.value for key in keys)),
    )
