"""Entries of the audit log in words, for those who do not know the names of events."""

from __future__ import annotations

from collections.abc import Mapping

from muntin.translation import _

WORDS: Mapping[str, str] = {
    "api_key.created": _("Made an API key"),
    "api_key.deleted": _("Deleted an API key"),
    "api_key.updated": _("Changed an API key"),
    "session.ended": _("Ended a session"),
    "ssh_key.created": _("Added an SSH key"),
    "ssh_key.deleted": _("Removed an SSH key"),
    "user.created": _("Account made"),
    "user.deleted": _("Account deleted"),
    "user.email_verified": _("E-mail address confirmed"),
    "user.identity_linked": _("Connected with a sign-in provider"),
    "user.password_changed": _("Password changed"),
    "user.password_reset_requested": _("Link for a new password asked for"),
    "user.recovery_codes_renewed": _("New recovery codes made"),
    "user.sign_in_failed": _("Sign-in with a wrong password or code"),
    "user.signed_in": _("Signed in"),
    "user.signed_out": _("Signed out"),
    "user.suspended": _("Account suspended"),
    "user.two_factor_disabled": _("Two-factor authentication switched off"),
    "user.two_factor_enabled": _("Two-factor authentication switched on"),
    "user.unsuspended": _("Account opened again"),
    "user.updated": _("Account changed"),
}


def words_of(event: str) -> str:
    """An event as people read it.

    Where nobody gave words for it, its name is taken apart: `server.power.start` is "Server: power start".
    """
    if event in WORDS:
        return WORDS[event]
    family, _dot, rest = event.partition(".")
    shown = family.replace("_", " ").capitalize()
    return f"{shown}: {rest.replace('.', ' ').replace('_', ' ')}" if rest else shown
