"""What is done with servers, eggs and addresses, in words for people."""

from __future__ import annotations

from collections.abc import Mapping

from muntin.contributions import AuditWords
from muntin.translation import _

_WORDS: Mapping[str, str] = {
    "egg.created": _("Made the egg {name}"),
    "egg.deleted": _("Deleted the egg {name}"),
    "egg.imported": _("Imported the egg {name}"),
    "egg.updated": _("Changed the egg"),
    "nest.created": _("Made the nest {name}"),
    "nest.deleted": _("Deleted the nest {name}"),
    "nest.updated": _("Changed the nest"),
    "node.allocation_removed": _("Removed the address {ip}:{port} from the node"),
    "node.allocations_added": _("Added addresses to the node: {ip}, ports {ports}"),
    "server.allocation_added": _("Added the port {ip}:{port}"),
    "server.allocation_removed": _("Removed the port {ip}:{port}"),
    "server.allocation_updated": _("Changed the port {ip}:{port}"),
    "server.command": _("Sent the command {command}"),
    "server.crashed": _("The server crashed"),
    "server.created": _("Created the server {name}"),
    "server.deleted": _("Deleted the server {name}"),
    "server.power.kill": _("Killed the server"),
    "server.power.restart": _("Restarted the server"),
    "server.power.start": _("Started the server"),
    "server.power.stop": _("Stopped the server"),
    "server.reinstall": _("Had the server installed again"),
    "server.renamed": _("Changed name or description"),
    "server.startup_updated": _("Changed the startup: {changed}"),
    "server.suspended": _("Suspended the server"),
    "server.transfer_failed": _("The move to the node {to_node} failed: {reason}"),
    "server.transfer_started": _("Had the server moved from the node {from_node} to {to_node}"),
    "server.transferred": _("The server is on the node {to_node} now"),
    "server.unsuspended": _("Lifted the suspension"),
    "server.updated": _("Changed the server's limits or settings"),
}
WORDS = tuple(AuditWords(event=event, words=words) for event, words in _WORDS.items())
