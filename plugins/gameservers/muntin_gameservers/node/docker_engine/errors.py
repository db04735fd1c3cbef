"""What goes wrong with the Docker engine.

EngineError            500   the engine refused the call; the message is its own
├── EngineAway         503   no engine answers
├── ContainerMissing   404   there is no such container
└── ImageMissing       500   there is no such image and it could not be pulled
"""

from __future__ import annotations

from muntin_node.errors import NodeError


class EngineError(NodeError):
    """The Docker engine refused the call."""


class EngineAway(EngineError):
    """The Docker engine does not answer on this node."""

    status = 503


class ContainerMissing(EngineError):
    """There is no such container."""

    status = 404


class ImageMissing(EngineError):
    """The image is neither on this node nor could it be pulled."""
