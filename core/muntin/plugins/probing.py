"""What was found out about plugins before a serving process saw them, kept per data dir.

A plugin of one version is loaded once in a throw-away process (`muntin.plugins.probe`). Serving processes leave a
plugin alone that failed there, or that ended a process while it was being loaded. Starting with plugins that are known
costs a look at a small file each.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from muntin.configuration import Configuration
from muntin.plugins.discovery import Manifest, installed_plugins
from muntin.plugins.generations import active_folders
from muntin.plugins.loading import PluginFailed
from muntin.plugins.probe import DEADLINE_S, ProbeReport, probe_each
from muntin.plugins.registry import in_order
from muntin.translation import _

log = logging.getLogger("muntin.plugins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known of one version of a plugin.

    Attributes:
        fingerprint: Of the files it was installed with; another version is looked at anew.
        reason, remedy: Why it must not be loaded; empty when it may.
    """

    fingerprint: str
    ok: bool
    step: str = ""
    reason: str = ""
    remedy: str = ""


class Verdicts:
    """The verdicts of one data dir, `<data>/probed/<plugin>.json`."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.absolute() / "probed"

    def of(self, manifest: Manifest) -> Verdict | None:
        """What is known of the plugin as it is installed now."""
        try:
            verdict = Verdict(**json.loads((self._folder / f"{manifest.name}.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None  # never looked at, or by another version of the panel
        return verdict if verdict.fingerprint == fingerprint(manifest) else None

    def refuse(self, manifest: Manifest) -> None:
        """Refuse a plugin that is known to do harm.

        Raises:
            PluginFailed: With what was seen.
        """
        verdict = self.of(manifest)
        if verdict is not None and not verdict.ok:
            raise PluginFailed(manifest.name, verdict.reason, verdict.remedy)

    def keep(self, report: ProbeReport, manifest: Manifest) -> None:
        """Remember what a probe found out."""
        verdict = Verdict(
            fingerprint=fingerprint(manifest),
            ok=report.ok,
            step=report.step,
            reason=report.reason,
            remedy=report.remedy,
        )
        self._write(manifest.name, verdict)

    def bar(self, plugin: str, reason: str, step: str = "load") -> bool:
        """Remember that a plugin did harm; it is not loaded any more until it is enabled again or changes.

        Returns:
            Whether there is such a plugin.
        """
        manifest = installed_plugins().get(plugin)
        if manifest is None:
            return False
        mark = fingerprint(manifest)
        self._write(plugin, Verdict(fingerprint=mark, ok=False, step=step, reason=reason, remedy=again(plugin)))
        return True

    def forget(self, plugin: str) -> bool:
        """Know nothing of a plugin any more, so that it is looked at anew; whether anything was known."""
        path = self._folder / f"{plugin}.json"
        if not path.exists():
            return False
        path.unlink(missing_ok=True)
        return True

    def _write(self, plugin: str, verdict: Verdict) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f".{plugin}.{os.getpid()}"
        draft.write_text(json.dumps(asdict(verdict)))
        draft.replace(self._folder / f"{plugin}.json")


def again(plugin: str) -> str:
    """How to have the panel try a plugin again that it refuses."""
    return _(
        "Tell its author, and install a version that works; or have it tried again with "
        "`muntin plugin enable {plugin}`.",
        plugin=plugin,
    )


def fingerprint(manifest: Manifest) -> str:
    """Of what the plugin was installed with: name, version, and the list of its files with their hashes."""
    try:
        record = distribution(manifest.distribution).read_text("RECORD") or ""
    except PackageNotFoundError:
        record = ""
    text = "\0".join((manifest.name, manifest.version, manifest.module, record))
    return hashlib.sha256(text.encode()).hexdigest()


async def probe_unknown(configuration: Configuration, *, deadline_s: float = DEADLINE_S) -> list[ProbeReport]:
    """Probe the plugins that a serving process would load and of which nothing is known yet; none is the usual case."""
    if configuration.safe_mode:
        return []
    verdicts = Verdicts(configuration.data_dir)
    folders = active_folders(configuration.data_dir)
    wanted = _wanted(configuration.plugins)
    known = {manifest.name: verdicts.of(manifest) for manifest in wanted}
    unknown = [manifest for manifest in wanted if known[manifest.name] is None]
    if not unknown:
        return []
    beside = [name for name, verdict in known.items() if verdict is not None and verdict.ok]
    return await _probe(verdicts, unknown, beside, folders, deadline_s)


async def _probe(
    verdicts: Verdicts, unknown: Sequence[Manifest], beside: Sequence[str], folders: Sequence[Path], deadline_s: float
) -> list[ProbeReport]:
    names = [manifest.name for manifest in unknown]
    log.info("Looking at new plugins in a process of their own: %s", ", ".join(names))
    reports = [report async for report in probe_each(folders, names, beside=beside, deadline_s=deadline_s)]
    for manifest, report in zip(unknown, reports, strict=True):
        verdicts.keep(report, manifest)
        if not report.ok:
            log.error("Plugin %s is not loaded: %s: %s", report.plugin, report.step, report.reason)
    return reports


def _wanted(names: Iterable[str] | None) -> list[Manifest]:
    return [manifest for manifest in in_order(installed_plugins(), names) if not manifest.problem]
