"""Permissions to choose from, in groups that people understand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from muntin.access import Actor
from muntin.roles.catalogue import list_permissions
from muntin.schemas import PermissionInfo
from muntin.translation import _


async def choices(actor: Actor, chosen: Iterable[str] = (), *, own: bool = False) -> list[dict[str, Any]]:
    """Groups of permissions: `[{title, open, choices: [{key, description, chosen}]}]`.

    What is chosen and stands for many (`admin.nodes.*`), or belongs to a plugin that is not there, comes first.

    Args:
        own: Only what the actor holds, or may hold on some server; for keys, which never allow more.
    """
    held = frozenset(chosen)
    listed = await list_permissions(actor)
    groups: dict[str, list[PermissionInfo]] = {}
    for name in ("account", "server", "admin"):
        for info in listed[name]:
            if own and name != "server" and not actor.may(info.key):
                continue
            groups.setdefault(_title(name, info), []).append(info)
    known = {info.key for infos in groups.values() for info in infos}
    rest = sorted(held - known - {"*"})
    found = [_group(_("Also chosen"), [PermissionInfo(key, "", _meaning(key)) for key in rest], held)] if rest else []
    return found + [_group(title, infos, held) for title, infos in groups.items()]


def sent_permissions(sent: Mapping[str, Any]) -> list[str]:
    """What the picker of a form sent: everything, or what was ticked."""
    if sent.get("everything") == "true":
        return ["*"]
    ticked = sent.get("permissions", [])
    return [str(one) for one in ticked] if isinstance(ticked, list) else []


def _title(name: str, info: PermissionInfo) -> str:
    if name == "server" and info.group == "server":
        return _("On a server")
    if name == "server":
        return _("On servers and other things: {group}", group=info.group)
    title = info.group if info.group not in ("admin", "account") else info.key.split(".")[1].replace("-", " ")
    title = title[:1].upper() + title[1:]
    return _("Administration: {group}", group=title) if name == "admin" else title


def _meaning(key: str) -> str:
    if key.endswith("*"):
        return _("Everything that begins so, now and later.")
    return _("Of a plugin that is not running.")


def _group(title: str, infos: Sequence[PermissionInfo], held: frozenset[str]) -> dict[str, Any]:
    shown = [{"key": one.key, "description": one.description, "chosen": one.key in held} for one in infos]
    return {"title": title, "choices": shown, "open": any(one["chosen"] for one in shown)}
