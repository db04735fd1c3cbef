"""Where wheels come from: a file, a folder of wheels, or an index asked by pip in a process of its own."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from muntin.plugins.generations import is_in_a_generation
from muntin.plugins.installing.wheels import sha256_of
from muntin.plugins.manifest import normal
from muntin.plugins.manifest_file import PluginRefused
from muntin.translation import _

PIP_TIMEOUT_S = 600.0
_WORDS_OF_A_CONFLICT = re.compile(r"The conflict is caused by:\n(?P<lines>(?:[ \t]+\S.*\n?)+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What may be looked into.

    Attributes:
        index: Address of a package index; empty: the one pip is configured for.
        online: Whether an index may be asked at all.
        find_links: Folders of wheels.
    """

    index: str = ""
    online: bool = False
    find_links: tuple[Path, ...] = ()

    def options(self) -> list[str]:
        """For pip. Only wheels: building anything else would run its code before it was looked at."""
        options = ["--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--no-color"]
        if not self.online:
            options.append("--no-index")
        elif self.index:
            options += ["--index-url", self.index]
        for folder in self.find_links:
            options += ["--find-links", str(folder.absolute())]
        return options


def frozen_environment() -> dict[str, str]:
    """Normalised name -> version of everything in the panel's own environment, without the generation."""
    found: dict[str, str] = {}
    for one in importlib.metadata.distributions():
        if one.name and not is_in_a_generation(Path(str(one.locate_file("")))):
            found.setdefault(normal(one.name), one.version)
    return found


def parse_requirement(text: str) -> Requirement:
    """What an operator typed: a name, perhaps with a range of versions.

    Raises:
        PluginRefused: It is neither.
    """
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        raise PluginRefused(
            _("{text} is neither a wheel nor the name of a distribution.", text=ascii(text)[:100]),
            _("Name a file that ends in .whl, or a distribution such as muntin-notes or muntin-notes==1.2."),
        ) from None
    if wanted.url or wanted.extras or wanted.marker:
        raise PluginRefused(_("Name a distribution and perhaps a range of versions, nothing else."))
    return wanted


async def resolve(roots: Sequence[str], pins: Iterable[str], sources: Sources, staging: Path) -> list[Path]:
    """Find wheels for the roots and for all they need beyond the panel's environment, and put them into a folder.

    Args:
        roots: Requirements or paths of wheels.
        pins: Further `name==version`, for what is installed already.

    Raises:
        PluginRefused: Nothing fits; names both sides of the conflict.
    """
    with tempfile.TemporaryDirectory(prefix="muntin-resolve-") as scratch:
        constraints = Path(scratch) / "constraints.txt"
        frozen = [f"{name}=={version}" for name, version in frozen_environment().items()]
        constraints.write_text("\n".join([*frozen, *pins]) + "\n")
        report = Path(scratch) / "report.json"
        await _pip(
            "install", "--dry-run", "--report", str(report), "--constraint", str(constraints),
            *sources.options(), "--", *roots,
        )  # fmt: skip
        chosen = [_chosen(one) for one in json.loads(report.read_text())["install"]]
        return await _fetch(chosen, sources, staging, Path(scratch))


@dataclass(frozen=True, slots=True)
class _Chosen:
    name: str
    version: str
    url: str
    sha256: str


def _chosen(entry: dict[str, object]) -> _Chosen:
    download, metadata = entry["download_info"], entry["metadata"]
    assert isinstance(download, dict) and isinstance(metadata, dict)  # noqa: S101 - pip's documented report
    sha256 = str(download.get("archive_info", {}).get("hashes", {}).get("sha256", ""))
    return _Chosen(str(metadata["name"]), str(metadata["version"]), str(download["url"]), sha256)


async def _fetch(chosen: Sequence[_Chosen], sources: Sources, staging: Path, scratch: Path) -> list[Path]:
    lines = []
    for one in chosen:
        if one.url.startswith("file:"):
            _copy_local(one, staging)
        else:
            lines.append(f"{one.name}=={one.version} --hash=sha256:{one.sha256}")
    if lines:
        locked = scratch / "locked.txt"
        locked.write_text("\n".join(lines) + "\n")
        await _pip(
            "download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(staging), *sources.options(),
            "--requirement", str(locked),
        )  # fmt: skip
    return _wheels_in(staging)


def _wheels_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.whl"))


def _copy_local(one: _Chosen, staging: Path) -> None:
    from urllib.parse import unquote, urlsplit

    source = Path(unquote(urlsplit(one.url).path))
    target = staging / source.name
    if not target.exists():
        shutil.copyfile(source, target)
    if one.sha256 and sha256_of(target) != one.sha256:
        raise PluginRefused(_("{file} changed while it was looked at.", file=source.name))


async def fetch_declared(name: str, version: str, sha256: str, sources: Sources, staging: Path) -> None:
    """Get one wheel of a declared set, with exactly this hash.

    Raises:
        PluginRefused: It is not to be had.
    """
    with tempfile.TemporaryDirectory(prefix="muntin-resolve-") as scratch:
        await _fetch([_Chosen(name, version, "", sha256)], sources, staging, Path(scratch))


async def _pip(*arguments: str) -> None:
    """Run pip with this interpreter.

    Raises:
        PluginRefused: It ended with an error, or is not there; the message says what it said.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pip", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PIP_NO_INPUT": "1", "PYTHONUTF8": "1"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(PIP_TIMEOUT_S):
            said, complaint = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise PluginRefused(_("pip did not answer within {minutes} minutes.", minutes=PIP_TIMEOUT_S // 60)) from None
    if process.returncode != 0:
        raise _refusal((complaint + b"\n" + said).decode("utf-8", "replace"))


def _refusal(text: str) -> PluginRefused:
    """What pip said, as one sentence that names both sides."""
    if "No module named pip" in text:
        remedy = _("Install pip there, or give every wheel that is needed as a file.")
        return PluginRefused(_("There is no pip in the panel's environment."), remedy)
    found = _WORDS_OF_A_CONFLICT.search(text)
    if found:
        lines = [line.strip() for line in found["lines"].splitlines() if line.strip()]
        lines = [line.replace("The user requested (constraint)", _("the panel runs with")) for line in lines]
        return PluginRefused(
            _("It does not fit: {why}.", why="; ".join(lines)[:800]),
            _("Install a version of it that works with what the panel runs with."),
        )
    errors = [line.removeprefix("ERROR: ").strip() for line in text.splitlines() if line.startswith("ERROR: ")]
    why = errors[0] if errors else text.strip()[-400:]
    return PluginRefused(
        _("Nothing that fits was found: {why}", why=why[:800]),
        _("Give --find-links with a folder that holds the wheel, or --index to ask a package index."),
    )
