"""Entries of the audit log as sentences, for those who do not know the names of events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from muntin.runtime import panel
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.audit.service import Activity
    from muntin.contributions import AuditWords

MAX_VALUE = 200
"""Characters of a value in a sentence."""
_VALUE = re.compile(r"\{(\w+)\}")
WORDS: Mapping[str, str] = {
    "api_key.created": _("Made the API key {description}"),
    "api_key.deleted": _("Deleted the API key {description}"),
    "api_key.updated": _("Changed an API key"),
    "event.discarded": _("Gave up delivering an event"),
    "event.retried": _("Had an event delivered again"),
    "job.cancelled": _("Cancelled the job {name}"),
    "job.discarded": _("Removed the finished job {name}"),
    "job.retried": _("Had the job {name} run again"),
    "key.rotated": _("Made a new secret key for the panel"),
    "mail.tested": _("Sent a test mail to {to}"),
    "node.created": _("Added the node {name}"),
    "node.deleted": _("Removed the node {name}"),
    "node.enrolled": _("The node was connected from {address}"),
    "node.enrolment_issued": _("Made a token to connect the node"),
    "node.token_rotated": _("Made a new credential for the node"),
    "node.updated": _("Changed the node"),
    "plugin.disabled": _("Disabled the plugin"),
    "plugin.enabled": _("Enabled the plugin"),
    "plugin.install_ordered": _("Ordered plugins to be installed"),
    "plugin.installed": _("The plugin was installed"),
    "plugin.purge_ordered": _("Ordered the data of the plugin to be deleted"),
    "plugin.purged": _("The data of the plugin {plugin} was deleted"),
    "plugin.quarantined": _("The plugin was put into quarantine: {reason}"),
    "plugin.uninstall_ordered": _("Ordered the plugin to be uninstalled"),
    "plugin.uninstalled": _("The plugin was uninstalled"),
    "plugin.upgraded": _("The plugin was upgraded"),
    "role.created": _("Made the role {name}"),
    "role.deleted": _("Deleted the role {slug}"),
    "role.updated": _("Changed the role"),
    "session.copied_token_used": _("A token that was used before was shown again; its session was ended"),
    "session.ended": _("Ended a session"),
    "session.others_ended": _("Ended all other sessions"),
    "settings.changed": _("Changed settings"),
    "ssh_key.created": _("Added an SSH key"),
    "ssh_key.deleted": _("Removed an SSH key"),
    "user.created": _("Made the account {username}"),
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


def own_words() -> Iterator[AuditWords]:
    """Those of the core."""
    from muntin.contributions import AuditWords

    return (AuditWords(event=event, words=words) for event, words in WORDS.items())


def known_words() -> dict[str, str]:
    """The words of all plugins that are loaded, by event: the log tells of disabled ones too."""
    from muntin.contributions import AuditWords

    return {one.value.event: one.value.words for one in panel().registry.known(AuditWords)}


def sentence(one: Activity, words: Mapping[str, str]) -> str:
    """One entry as people read it.

    Where nobody gave words for its event, the name is taken apart: `server.power.start` is "Server: power start".

    Args:
        words: See `known_words`.
    """
    given = words.get(one.event)
    if given is None:
        return _taken_apart(one.event)
    return _VALUE.sub(lambda found: _text(one.properties.get(found[1], "…")), given)


def by_whom(one: Activity) -> str:
    """Who did it, as people read it."""
    if one.actor.username or one.actor.id:
        return one.actor.username or str(one.actor.id)
    return _("the panel") if one.actor.type == "system" else _("not signed in")


def _taken_apart(event: str) -> str:
    family, _dot, rest = event.partition(".")
    shown = family.replace("_", " ").capitalize()
    return f"{shown}: {rest.replace('.', ' ').replace('_', ' ')}" if rest else shown


def _text(value: Any) -> str:
    """A value in a sentence: short, and variables without their prefix."""
    if isinstance(value, list | tuple):
        value = ", ".join(str(part).removeprefix("environment.") for part in value)
    return str(value)[:MAX_VALUE]
