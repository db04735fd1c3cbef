"""Changes that are ordered on a page: each runs in a process of its own, which outlives the one that was asked.

The web process that takes the order is replaced while the change goes on, so it cannot be the one that makes it. The
page looks at the report, which that process writes step by step.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts.fresh_proof import require_fresh_proof
from muntin.database import transaction
from muntin.errors import Forbidden, NotFound
from muntin.plugins.generations import Generations, InstallUnderWay
from muntin.plugins.installing.environment import BY, REPORT, environment_of
from muntin.plugins.installing.report import Action, Report, newest_reports, read_report
from muntin.plugins.installing.service import PERMISSION, DataChoice
from muntin.plugins.installing.wheels import open_wheel
from muntin.runtime import panel
from muntin.translation import _

INCOMING = "incoming"
SILENT = timedelta(seconds=60)


class InstallingIsOff(Forbidden):
    """This panel takes no plugins from its pages."""

    code = "plugin_install_off"
    default_message = "Installing from the page is off; set MUNTIN_PLUGIN_INSTALL=1, or use muntin plugin install."


@guarded(PERMISSION, sessions_only=True)
async def order_install(actor: Actor, wheel: bytes, *, file_name: str, password: str, code: str) -> UUID:
    """Begin to install an uploaded wheel; the id of the report.

    Raises:
        InstallingIsOff: The operator did not switch it on.
        TwoFactorRequired, WrongPassword, WrongCode: See `require_fresh_proof`.
        PluginRefused: The wheel is not sound, or holds no plugin.
        InstallUnderWay: Another change goes on.
    """
    if not panel().configuration.plugin_install:
        raise InstallingIsOff
    await require_fresh_proof(actor, password=password, code=code)
    report_id = uuid4()
    folder = _folder() / INCOMING / str(report_id)
    path = await asyncio.to_thread(_store, folder, file_name, wheel)
    try:
        found = await asyncio.to_thread(open_wheel, path)
        _refuse_while_busy()
    except BaseException:
        await asyncio.to_thread(forget_upload, path)
        raise
    told: dict[str, object] = {"file": path.name, "sha256": found.sha256, "plugins": sorted(found.manifests)}
    await _note(actor, "plugin.install_ordered", ("panel", "plugins"), told)
    return _begin(actor, report_id, "install", path.name, ["install", str(path)])


@guarded(PERMISSION, sessions_only=True)
async def order_uninstall(actor: Actor, name: str, *, data: DataChoice) -> UUID:
    """Begin to uninstall a plugin; the id of the report. Exports lie in `plugins/exports` of the data folder.

    Raises:
        InstallUnderWay: Another change goes on.
    """
    _refuse_while_busy()
    await _note(actor, "plugin.uninstall_ordered", ("plugin", name), {"data": data})
    choice = [f"--{data}"]
    if data == "export":
        folder = _folder() / "exports"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        choice.append(str(folder / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S}.zip"))
    return _begin(actor, uuid4(), "uninstall", name, ["uninstall", *choice, "--", name])


@guarded(PERMISSION, sessions_only=True)
async def order_purge(actor: Actor, name: str) -> UUID:
    """Begin to purge what an uninstalled plugin left; the id of the report.

    Raises:
        InstallUnderWay: Another change goes on.
    """
    _refuse_while_busy()
    await _note(actor, "plugin.purge_ordered", ("plugin", name), {})
    return _begin(actor, uuid4(), "purge", name, ["purge", "--yes", "--", name])


@guarded("admin.plugins.list")
async def list_reports(actor: Actor) -> list[Report]:
    """What was changed lately on this machine, the newest first."""
    return [_told(one) for one in await asyncio.to_thread(newest_reports, _folder() / "reports")]


@guarded("admin.plugins.list")
async def load_report(actor: Actor, report_id: UUID) -> Report:
    """One report, also while the change goes on.

    Raises:
        NotFound: There is none (any more).
    """
    report = read_report(_folder() / "reports", report_id)
    if report is None:
        raise NotFound
    return _told(report)


def _told(report: Report) -> Report:
    """A change whose process is gone without a word was broken off."""
    alive = Generations(panel().configuration.data_dir).is_locked or datetime.now(UTC) - report.started_at < SILENT
    if report.state == "running" and not alive:
        report.state = "failed"
        report.error = _("It was broken off; the next change puts back what was.")
    return report


def _begin(actor: Actor, report_id: UUID, action: Action, target: str, arguments: list[str]) -> UUID:
    """Start the process, and a report for the page to look at until it speaks."""
    Report(action=action, target=target, by=actor.username, id=report_id, folder=_folder() / "reports").save()
    command = [sys.executable, "-m", "muntin.cli", "plugin", *arguments]
    environment = environment_of(panel().configuration) | {REPORT: str(report_id), BY: str(actor.account_id)}
    process = subprocess.Popen(  # noqa: S603 - our own program; what people typed stands behind `--` or is a path of ours
        command, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    # Reaped when it ends, also when nobody orders another change; a daemon, for it may outlive us.
    threading.Thread(target=process.wait, name=f"change {report_id}", daemon=True).start()
    return report_id


def _refuse_while_busy() -> None:
    if Generations(panel().configuration.data_dir).is_locked:
        raise InstallUnderWay


def _store(folder: Path, file_name: str, wheel: bytes) -> Path:
    folder.mkdir(parents=True, mode=0o700)
    path = folder / (Path(file_name.replace("\\", "/")).name[:200] or "unnamed")
    path.write_bytes(wheel)
    return path


def forget_upload(path: Path) -> None:
    """Delete an uploaded wheel with its folder; anything else is left alone."""
    if path.parent.parent.name == INCOMING:
        path.unlink(missing_ok=True)
        path.parent.rmdir()


async def _note(actor: Actor, event: str, subject: tuple[str, object], properties: dict[str, object]) -> None:
    async with transaction() as events:
        await audit.record(events, actor, event, subject, properties)


def _folder() -> Path:
    return Generations(panel().configuration.data_dir).folder
