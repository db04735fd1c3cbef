"""`muntin doctor`: each problem with its remedy, also when the panel does not start."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from muntin.configuration import Configuration
from muntin.docker import DOCKER_SOCKET, docker_answers
from muntin.health import findings
from muntin.panel import Panel
from muntin.translation import _

MIN_FREE_MIB = 500
MAX_CLOCK_OFF_S = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    summary: str
    remedy: str = ""


def examine(configuration: Configuration) -> list[Finding]:
    """Look at everything that keeps panels from working."""
    found = [*_machine(configuration)]
    found.append(_clock(configuration))
    found += asyncio.run(_panel(configuration))
    return found


def _machine(configuration: Configuration) -> Iterator[Finding]:
    yield _data_dir(configuration.data_dir)
    yield _port(configuration)
    yield _docker()
    yield _key(configuration)


def _data_dir(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".doctor.{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        remedy = _("Make {path} writable for this user, or set MUNTIN_DATA_DIR.", path=folder.absolute())
        return Finding(_("data folder"), False, str(error), remedy)
    free_mib = shutil.disk_usage(folder).free // 2**20
    if free_mib < MIN_FREE_MIB:
        return Finding(
            _("data folder"), False, _("Only {mib} MiB are free.", mib=free_mib), _("Make room on that disk.")
        )
    return Finding(_("data folder"), True, str(folder.absolute()))


def _port(configuration: Configuration) -> Finding:
    """The address is free, or a panel answers there."""
    host, _colon, port = configuration.bind.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            if _answers(configuration):
                return Finding(_("address"), True, _("A panel answers on {bind}.", bind=configuration.bind))
            remedy = _("Stop the program that listens there, or set MUNTIN_BIND to a free address.")
            return Finding(_("address"), False, f"{configuration.bind}: {error.strerror}", remedy)
    return Finding(_("address"), True, _("{bind} is free.", bind=configuration.bind))


def _answers(configuration: Configuration) -> bool:
    try:
        return httpx.get(f"http://{configuration.bind}/healthz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _docker() -> Finding:
    if docker_answers():
        return Finding(_("Docker engine"), True, _("It answers on {path}.", path=DOCKER_SOCKET))
    remedy = _("Install it (Debian: apt install docker.io) and start it; game servers on this machine need it.")
    return Finding(_("Docker engine"), False, _("None answers on {path}.", path=DOCKER_SOCKET), remedy)


def _key(configuration: Configuration) -> Finding:
    """The key that encrypts and signs is there, or nothing was made with one yet."""
    path = configuration.data_dir / "secret.key"
    if configuration.secret_key is not None:
        return Finding(_("secret key"), True, _("It comes from MUNTIN_SECRET_KEY."))
    if path.exists():
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            return Finding(
                _("secret key"), False, _("Others may read it."), _("chmod 600 {path}", path=path.absolute())
            )
        return Finding(_("secret key"), True, str(path.absolute()))
    if (configuration.data_dir / "muntin.sqlite3").exists() or configuration.database_url:
        remedy = _(
            "Put {path} back from a backup, or set MUNTIN_SECRET_KEY; else secrets have to be set anew.", path=path
        )
        return Finding(_("secret key"), False, _("It is lost: there is a database but no key."), remedy)
    return Finding(_("secret key"), True, _("It will be made at the first start."))


def _clock(configuration: Configuration) -> Finding:
    """This machine's clock against the panel's own answers and the newest file it wrote."""
    newest = max((one.stat().st_mtime for one in configuration.data_dir.glob("*")), default=0.0)
    if newest > time.time() + MAX_CLOCK_OFF_S:
        remedy = _("Set the clock (chrony or systemd-timesyncd); tokens and codes depend on it.")
        return Finding(_("clock"), False, _("Files in the data folder are from the future."), remedy)
    if time.gmtime().tm_year < 2025:
        return Finding(_("clock"), False, _("It says {date}.", date=time.strftime("%Y-%m-%d")), _("Set the clock."))
    return Finding(_("clock"), True, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))


async def _panel(configuration: Configuration) -> list[Finding]:
    """The checks of the core and of the plugins, which need the store."""
    panel = Panel(configuration, process="command")
    failed = [
        Finding(_("plugin {name}", name=one.plugin), False, one.reason, one.remedy) for one in panel.registry.failed
    ]
    try:
        await panel.open()
    except Exception as error:  # noqa: BLE001 - whatever it is, the doctor has to say so
        remedy = _("Run muntin migrate, or correct MUNTIN_DATABASE_URL.")
        return [*failed, Finding(_("database"), False, f"{type(error).__name__}: {error}", remedy)]
    try:
        found = [Finding(one.name, one.report.ok, one.report.summary, one.report.remedy) for one in await findings()]
    finally:
        await panel.close()
    return [*failed, *found]
