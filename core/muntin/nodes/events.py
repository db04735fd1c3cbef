"""What happens to nodes."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from muntin.events import Event


class NodeEvent(Event):
    """Something that happened to a node."""

    subject: ClassVar[str] = "node_id"

    node_id: UUID
    name: str


class NodeCreated(NodeEvent):
    """A node was added."""

    type = "node.created"


class NodeUpdated(NodeEvent):
    """A node's settings were changed."""

    type = "node.updated"


class NodeDeleted(NodeEvent):
    """A node was removed."""

    type = "node.deleted"


class NodeOnline(NodeEvent):
    """A node reports again (or for the first time)."""

    type = "node.online"


class NodeOffline(NodeEvent):
    """A node has not been heard of for half a minute."""

    type = "node.offline"


class NodeFailing(NodeEvent):
    """A node reports, but says that something is wrong with it."""

    type = "node.error"

    problem: str


class NodeMaintenance(NodeEvent):
    """A node went into maintenance, or came out of it."""

    type = "node.maintenance"

    enabled: bool


EVENTS = (NodeCreated, NodeUpdated, NodeDeleted, NodeOnline, NodeOffline, NodeFailing, NodeMaintenance)
