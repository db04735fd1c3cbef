"""The unprivileged account that owns server folders and runs servers."""

from __future__ import annotations

import pwd
from dataclasses import dataclass

from muntin_node.config import NodeConfig

CONTAINER_DEFAULT_ID = 988


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers of user and group: `uid:gid` own the files on the host, `container_user` runs the process."""

    uid: int
    gid: int
    container_user: str

    @property
    def runs_as_root(self) -> bool:
        """Whether the process is root inside its container (rootless engines map that to a plain user)."""
        return self.container_user.partition(":")[0] == "0"


def account_of(config: NodeConfig) -> Account:
    """The configured numbers, else those of the account `system.username`, else 988; never root outside rootless."""
    user = config.system.user
    uid, gid = user.uid, user.gid
    if uid == 0:
        try:
            entry = pwd.getpwnam(config.system.username)
            uid, gid = entry.pw_uid or CONTAINER_DEFAULT_ID, entry.pw_gid or CONTAINER_DEFAULT_ID
        except KeyError:
            uid = gid = CONTAINER_DEFAULT_ID
    gid = gid or uid
    if user.rootless.enabled:
        return Account(uid, gid, f"{user.rootless.container_uid}:{user.rootless.container_gid}")
    return Account(uid, gid, f"{uid}:{gid}")
