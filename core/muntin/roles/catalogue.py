"""Every permission that the loaded plugins declare, and whether a key may be written into a role or an API key."""

from __future__ import annotations

from collections.abc import Iterable

from muntin.access import Actor, Permission, guarded
from muntin.errors import InvalidInput
from muntin.runtime import panel
from muntin.schemas import PermissionInfo
from muntin.translation import _


def known_keys() -> frozenset[str]:
    """Keys of all loaded plugins; those of disabled ones stay valid, they just open nothing."""
    return frozenset(owned.value.key for owned in panel().registry.known(Permission))


def refuse_unknown_keys(keys: Iterable[str], *, field: str = "permissions", held: Iterable[str] = ()) -> None:
    """Refuse keys that no plugin declares, and wildcards that stand for none.

    Args:
        held: Keys that were there before; they stay valid although their plugin is absent now.

    Raises:
        InvalidInput: Names the keys.
    """
    known = known_keys()
    unknown = [key for key in keys if key not in {*held} and not _stands_for_something(key, known)]
    if unknown:
        names = ", ".join(repr(key) for key in sorted(unknown))
        raise InvalidInput.of(field, _("There is no such permission: {names}.", names=names))


def _stands_for_something(key: str, known: frozenset[str]) -> bool:
    if key == "*":
        return True
    if key.endswith(".*"):
        return any(one.startswith(key[:-1]) for one in known)
    return key in known


@guarded("account.read")
async def list_permissions(actor: Actor) -> dict[str, list[PermissionInfo]]:
    """The permissions of the enabled plugins in three lists: `server` (granted per object), `account`, `admin`."""
    lists: dict[str, list[PermissionInfo]] = {"server": [], "account": [], "admin": []}
    for permission in sorted(panel().registry.of(Permission), key=lambda one: (one.group, one.key)):
        info = PermissionInfo(permission.key, permission.group, permission.description)
        lists[_list_of(permission)].append(info)
    return lists


def _list_of(permission: Permission) -> str:
    if permission.key.startswith("admin."):
        return "admin"
    return "server" if permission.on_resource else "account"
