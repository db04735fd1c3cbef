"""Small files of the host that containers see read-only: passwd, group, machine-id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from muntin_gameservers.contract import Mount
from muntin_gameservers.node.containers.account import Account
from muntin_node.config import NodeConfig

HOME = "/home/container"


def bind(source: Path | str, target: str, *, read_only: bool) -> dict[str, Any]:
    """One bind mount in the engine's form."""
    return {"Type": "bind", "Source": str(source), "Target": target, "ReadOnly": read_only}


def write_passwd_files(config: NodeConfig, account: Account) -> None:
    """Write passwd and group so that programs find a name for the number they run as."""
    folder = config.system.passwd_directory
    folder.mkdir(parents=True, exist_ok=True)
    uid, _, gid = account.container_user.partition(":")
    root_user = "" if uid == "0" else "root:x:0:0:root:/root:/bin/sh\n"
    root_group = "" if gid == "0" else "root:x:0:\n"
    _write_once(folder / "passwd", f"{root_user}container:x:{uid}:{gid}:container:{HOME}:/bin/sh\n")
    _write_once(folder / "group", f"{root_group}container:x:{gid}:\n")


def write_machine_id(config: NodeConfig, uuid: str) -> None:
    """A machine id that stays the same for a server as long as it lives."""
    config.system.machine_id_directory.mkdir(parents=True, exist_ok=True)
    _write_once(machine_id_path(config, uuid), uuid.replace("-", "") + "\n")


def machine_id_path(config: NodeConfig, uuid: str) -> Path:
    """Where a server's machine id lies."""
    return config.system.machine_id_directory / uuid


def host_file_mounts(config: NodeConfig, uuid: str) -> list[dict[str, Any]]:
    """Mounts of the files written by the functions above."""
    mounts = []
    if config.system.user.passwd.enable:
        folder = config.system.passwd_directory
        mounts += [bind(folder / name, f"/etc/{name}", read_only=True) for name in ("passwd", "group")]
    if config.system.machine_id.enable:
        mounts.append(bind(machine_id_path(config, uuid), "/etc/machine-id", read_only=True))
    return mounts


def custom_mounts(mounts: list[Mount], config: NodeConfig) -> list[dict[str, Any]]:
    """The server's own mounts: existing sources below an allowed folder, targets outside of the server's home."""
    allowed = [Path(entry).resolve() for entry in config.allowed_mounts if entry]
    accepted = []
    for mount in mounts:
        source = Path(mount.source).resolve()
        below = any(source.is_relative_to(folder) for folder in allowed)
        in_home = Path(mount.target).is_relative_to(HOME) and config.block_base_dir_mount
        if below and source.exists() and Path(mount.target).is_absolute() and ".." not in mount.target and not in_home:
            accepted.append(bind(source, mount.target, read_only=mount.read_only))
    return accepted


def _write_once(path: Path, content: str) -> None:
    if not path.is_file() or path.read_text() != content:
        path.write_text(content)
        path.chmod(0o644)
