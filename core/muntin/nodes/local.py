"""The node on the panel's own machine: made at first start, so that a newcomer has one."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path

import yaml

from muntin.configuration import Configuration
from muntin.database import transaction
from muntin.nodes.credentials import new_token, new_token_id, seal
from muntin.nodes.events import NodeCreated
from muntin.nodes.models import NodeRow
from muntin.nodes.service import configuration_of

NAME = "local"
MIB = 1024 * 1024


async def ensure_local_node(configuration: Configuration) -> NodeRow | None:
    """The local node, made if it is wanted and this panel has no node at all; its configuration file written anew."""
    if not configuration.wants_local_node:
        return None
    folder = configuration.data_dir.absolute() / "node"
    row = await NodeRow.get_or_none(name=NAME, data_directory=str(folder / "volumes"))
    if row is None:
        if await NodeRow.exists():
            return None
        row = await _make(configuration, folder)
    host, port = _listening(configuration.node_bind)
    if (row.fqdn, row.daemon_port) != (host, port):
        await NodeRow.filter(id=row.id).update(fqdn=host, daemon_port=port)
        row = await NodeRow.get(id=row.id)
    _write(folder, configuration, row)
    return row


async def _make(configuration: Configuration, folder: Path) -> NodeRow:
    host, port = _listening(configuration.node_bind)
    async with transaction() as events:
        row = await NodeRow.create(
            name=NAME,
            fqdn=host,
            scheme="http",
            daemon_port=port,
            sftp_port=_listening(configuration.node_sftp_bind)[1],
            memory_mib=_memory_mib(),
            disk_mib=shutil.disk_usage(configuration.data_dir).total // MIB,
            data_directory=str(folder / "volumes"),
            token_id=new_token_id(),
            token=seal(new_token()),
        )
        events.add(NodeCreated(node_id=row.id, name=row.name))
    return row


def _write(folder: Path, configuration: Configuration, row: NodeRow) -> None:
    """The agent's file, mode 0600, listening where the configuration says."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    values = asdict(configuration_of(row))
    values["uuid"] = str(row.id)
    values["api"]["host"] = _listening(configuration.node_bind)[0]
    values["remote"] = f"http://{configuration.bind}"
    values["allowed_origins"] = [configuration.public_url]
    # Players on this machine reach 127.0.0.1, not the address of the engine's bridge.
    values["docker"] = {"network": {"interface": "127.0.0.1"}}
    values["system"] |= {
        "root_directory": str(folder),
        "log_directory": str(folder / "logs"),
        "tmp_directory": str(folder / "tmp"),
    }
    values["system"]["sftp"]["bind_address"] = _listening(configuration.node_sftp_bind)[0]
    draft = folder / ".config.yml"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(values, file, sort_keys=False)
    draft.rename(folder / "config.yml")


def _listening(bind: str) -> tuple[str, int]:
    host, _colon, port = bind.rpartition(":")
    return host.strip("[]") or "127.0.0.1", int(port)


def _memory_mib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
