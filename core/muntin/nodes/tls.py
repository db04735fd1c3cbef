"""Whose certificates the panel believes when it calls a node."""

from __future__ import annotations

import ssl

from muntin.nodes.models import NodeRow
from muntin.runtime import panel
from muntin.trust import trusting

CA_VARIABLE = "MUNTIN_NODE_CA_FILE"


def tls_of(node: NodeRow) -> ssl.SSLContext | None:
    """How a connection to the node is secured; `None` where the node speaks plainly.

    Raises:
        Unavailable: The file of the operator's own authority cannot be used.
    """
    return trusting(panel().configuration.node_ca_file, CA_VARIABLE) if node.scheme == "https" else None
