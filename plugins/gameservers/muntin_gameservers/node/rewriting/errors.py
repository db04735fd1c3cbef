"""Why a configuration file was left alone."""

from __future__ import annotations


class RewriteRefused(Exception):
    """The file cannot be rewritten; the message says why, in words for the server's console."""
