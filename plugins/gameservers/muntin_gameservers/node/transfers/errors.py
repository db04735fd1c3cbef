"""Why a server could not be moved."""

from __future__ import annotations

from muntin_node.errors import Conflict, NodeError


class TransferFailed(NodeError):
    """The server could not be moved; the message says why."""


class ArchiveRefused(TransferFailed):
    """The archive holds something that is not written on this machine."""


class AlreadyTransferring(Conflict):
    """The server is being moved already."""


class NotTransferring(Conflict):
    """The server is not being moved."""
