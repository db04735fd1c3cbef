"""Why a request did not get an answer."""

from __future__ import annotations


class OutgoingFailed(Exception):
    """No answer came; the message is a sentence that holds neither the address's path nor any header."""


class AddressRefused(OutgoingFailed):
    """The panel does not send requests there."""
