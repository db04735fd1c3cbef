"""Whose certificates the panel believes when it calls a node."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

import httpx

from muntin.errors import Unavailable
from muntin.nodes.models import NodeRow
from muntin.runtime import panel
from muntin.translation import _


def tls_of(node: NodeRow) -> ssl.SSLContext | None:
    """How a connection to the node is secured; `None` where the node speaks plainly."""
    return tls_context(panel().configuration.node_ca_file) if node.scheme == "https" else None


@lru_cache(maxsize=4)
def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """The public authorities, the machine's, and the operator's own; made only where a node has TLS: it is large.

    Raises:
        Unavailable: The operator's file cannot be read, or holds no certificate.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except OSError as error:
        raise Unavailable(_("MUNTIN_NODE_CA_FILE cannot be used: {reason}.", reason=error.strerror)) from error
    return context
