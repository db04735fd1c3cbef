"""Taking out a plugin that harms the panel: in all processes at once, and not without the administrators knowing."""

from __future__ import annotations

import logging
from typing import ClassVar

from muntin import audit, mail
from muntin.access import Actor
from muntin.accounts.lookup import holders_of
from muntin.contributions import MailTemplate
from muntin.database import transaction
from muntin.events import Event
from muntin.plugins import CORE
from muntin.plugins.models import PluginRow
from muntin.plugins.probing import Verdicts
from muntin.runtime import panel
from muntin.supervisor.wire import TAKEN_OUT_TOPIC
from muntin.translation import _
from muntin.versions import bump

log = logging.getLogger("muntin.plugins")

VERSION, TOPIC = "plugins", "plugins.changed"
MAIL = "core.plugin_quarantined"
MAY_UNDO = "admin.plugins.switch"


class PluginQuarantined(Event):
    """A plugin failed again and again, or held up or ended a process, and was taken out."""

    type = "plugin.quarantined"
    subject: ClassVar[str] = "plugin"

    plugin: str
    reason: str


async def quarantine(plugin: str, reason: str, *, loading: bool = False) -> bool:
    """Make nothing of the plugin reachable any more, in every process, and tell the administrators.

    Undone by enabling it. Processes that do this at the same time: one of them does it.

    Args:
        loading: It did harm while it was being imported, so processes that start from now on leave it alone.

    Returns:
        Whether it was enabled until now.
    """
    if plugin == CORE:
        return False
    if loading:
        Verdicts(panel().configuration.data_dir).bar(plugin, reason)
    async with transaction() as events:
        changed = await PluginRow.filter(name=plugin, state="enabled").update(state="quarantined", reason=reason)
        if changed:
            await bump(VERSION)
            await audit.record(events, Actor.system(), "plugin.quarantined", ("plugin", plugin), {"reason": reason})
            events.add(PluginQuarantined(plugin=plugin, reason=reason))
            events.after_commit(lambda: panel().bus.publish(TOPIC))
    await panel().reload_plugins()
    panel().bus.publish(TAKEN_OUT_TOPIC, {"plugin": plugin})
    if changed:
        log.error("Plugin %s is quarantined. %s %s", plugin, reason, remedy(plugin))
        await _tell_administrators(plugin, reason)
    return bool(changed)


def remedy(plugin: str) -> str:
    """What an administrator does about it."""
    return _(
        "Tell its author, install a version that works, then enable it: on the page of plugins, or with "
        "`muntin plugin enable {plugin}`.",
        plugin=plugin,
    )


async def _tell_administrators(plugin: str, reason: str) -> None:
    """Mail everybody who can undo it."""
    values = {"plugin": plugin, "reason": reason, "remedy": remedy(plugin)}
    for account in await holders_of(MAY_UNDO):
        try:
            async with transaction() as events:
                await mail.send(events, MAIL, to=account, values={"name": account.username, **values})
        except ValueError as error:
            log.warning("No mail to %s: %s", account.username, error)  # an address that is none


EVENTS = (PluginQuarantined,)
MAIL_TEMPLATES = (
    MailTemplate(
        name=MAIL,
        template="mail/plugin_quarantined",
        subject="{{ _('The plugin {plugin} was taken out', plugin=plugin) }}",
        sample={
            "name": "Ada",
            "plugin": "zones",
            "reason": "It held up web.1 for 1.2 s.",
            "remedy": "Install a version that works, then enable it.",
        },
    ),
)
