"""Who has the server? The panel decides; these ask it in a way that no answer can be taken for another one."""

from __future__ import annotations

import logging
from enum import Enum, auto

from muntin_gameservers.contract import TransferReport
from muntin_gameservers.node.servers.host import Host
from muntin_node.errors import PanelError, PanelRefused

log = logging.getLogger(__name__)
RETRY_S = 15.0


class Verdict(Enum):
    """What the panel says about a server that was being moved."""

    OURS = auto()
    NOT_OURS = auto()
    UNKNOWN = auto()  # it did not say; ask again


async def arrival_verdict(host: Host, uuid: str) -> Verdict:
    """Report a server that came here as complete; nothing may be removed before the answer is definite."""
    try:
        await host.reports.transfer_succeeded(uuid)
    except PanelRefused as error:
        log.warning("The panel does not take %s as moved to here: %s", uuid, error)
        return await listed_verdict(host, uuid)
    except PanelError as error:
        log.warning("The panel was not told that %s is here, it is told again: %s", uuid, error)
        return Verdict.UNKNOWN
    return Verdict.OURS


async def departure_verdict(host: Host, uuid: str, reason: str) -> Verdict:
    """Report that a server was not sent, which the panel takes only if no other node has it by now."""
    try:
        await host.reports.transfer_failed(uuid, TransferReport(reason=reason))
    except PanelRefused:
        return await listed_verdict(host, uuid)  # decided already: it was cancelled, or the other node has the server
    except PanelError as error:
        log.warning("The panel was not told that %s is still here, it is told again: %s", uuid, error)
        return Verdict.UNKNOWN
    return Verdict.OURS


async def listed_verdict(host: Host, uuid: str) -> Verdict:
    """Whether the panel lists a server here, where a transfer is over.

    A refusal alone can have other reasons (credentials, a plugin that is off); then there is no list either.
    """
    try:
        listed = await host.reports.is_listed(uuid, host.config.remote_query.boot_servers_per_page)
    except PanelError as error:
        log.warning("The panel did not say whose %s is, it is asked again: %s", uuid, error)
        return Verdict.UNKNOWN
    return Verdict.OURS if listed else Verdict.NOT_OURS
