"""Requests to addresses that users name: webhooks, downloads, providers.

    client = OutgoingClient()
    answer = await client.send(OutgoingRequest(method="POST", url=url, body=body))

A user must not reach the inside of the operator's network through the panel. So a name is resolved once, every address
it has must be a public one, and the connection goes to exactly the address that was looked at. Redirects are not
followed, proxies of the environment are not used, answers are read up to a limit. The operator may allow networks in
the settings (`OutgoingSettings`).
"""

from muntin.outgoing.addresses import AddressRules, current_rules
from muntin.outgoing.client import OutgoingAnswer, OutgoingClient, OutgoingRequest, TimeLimits
from muntin.outgoing.errors import AddressRefused, OutgoingFailed
from muntin.outgoing.targets import Target, read_target

__all__ = [
    "AddressRefused",
    "AddressRules",
    "OutgoingAnswer",
    "OutgoingClient",
    "OutgoingFailed",
    "OutgoingRequest",
    "Target",
    "TimeLimits",
    "current_rules",
    "read_target",
]
