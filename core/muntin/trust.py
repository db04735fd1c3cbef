"""Whose certificates the panel believes."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

import httpx

from muntin.errors import Unavailable
from muntin.translation import _


@lru_cache(maxsize=4)
def trusting(ca_file: Path | None, variable: str) -> ssl.SSLContext:
    """The public authorities, the machine's, and the operator's own; made only where something has TLS: it is large.

    Args:
        variable: Of the environment, which names the file.

    Raises:
        Unavailable: The operator's file cannot be read, or holds no certificate.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except OSError as error:
        reason = error.strerror or _("it holds no certificate")
        raise Unavailable(_("{variable} cannot be used: {reason}.", variable=variable, reason=reason)) from error
    return context
