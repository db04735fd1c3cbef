"""Wheels: looked at, checked and unpacked without running anything that is in them."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from muntin.plugins import ENTRY_POINTS
from muntin.plugins.discovery import NODE_ENTRY_POINTS, manifest_of
from muntin.plugins.manifest import Manifest, naming_problem, normal
from muntin.plugins.manifest_file import FILE_NAME, MAX_BYTES, ManifestFile, PluginRefused, read_manifest_file
from muntin.translation import _

MIB = 1024 * 1024
MAX_WHEEL_MIB = 100
MAX_UNPACKED_MIB = 500
MAX_FILES = 20_000
MAX_TEXT_BYTES = MIB  # of METADATA and entry_points.txt
MAX_RECORD_BYTES = 8 * MIB
BOMB_RATIO, BOMB_FROM_BYTES = 200, MIB
CHUNK_BYTES = 256 * 1024
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel that was looked at.

    Attributes:
        distribution: As its metadata writes it.
        requires: What it needs on this machine, without extras.
        manifests: The plugins it offers, by name.
        members: Name in the zip -> where it goes below the generation's folder.
    """

    path: Path
    distribution: str
    version: str
    sha256: str
    requires: tuple[Requirement, ...]
    manifests: Mapping[str, Manifest]
    members: Mapping[str, str]

    @property
    def top_levels(self) -> frozenset[str]:
        """First parts of the names of what it brings, without its metadata."""
        firsts = {PurePosixPath(target).parts[0] for target in self.members.values()}
        return frozenset(first.removesuffix(".py") for first in firsts if not first.endswith(".dist-info"))


def open_wheel(path: Path) -> Wheel:
    """Look at a wheel's names, sizes, metadata and manifest.

    Raises:
        PluginRefused: Something is not as it has to be; names the file and the field.
    """
    with _in_words(path):
        if path.stat().st_size > MAX_WHEEL_MIB * MIB:
            raise PluginRefused(_("{file} is larger than {mib} MiB.", file=path.name, mib=MAX_WHEEL_MIB))
        with zipfile.ZipFile(path) as archive:
            return _Reader(path, archive).read()


def unpack(wheel: Wheel, folder: Path) -> None:
    """Write a wheel's files below a folder.

    Raises:
        PluginRefused: A file does not have the content its RECORD promises, another wheel brought one of that name, or
            there is no room.
    """
    with _in_words(wheel.path), zipfile.ZipFile(wheel.path) as archive:
        hashes = _Reader(wheel.path, archive).hashes()
        for name, target in wheel.members.items():
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise PluginRefused(
                    _("{file}: {name} is brought by another wheel too.", file=wheel.path.name, name=name)
                )
            _write(archive, name, path, hashes.get(name), wheel.path.name)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Damage as a refusal; `zipfile` raises all of these, depending on where in the file it is."""
    try:
        yield
    except OSError as error:
        raise PluginRefused(_("{file} cannot be read: {why}.", file=path.name, why=error.strerror or error)) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        raise PluginRefused(_("{file} is no sound wheel: {why}.", file=path.name, why=ascii(error)[:200])) from error


def _write(archive: zipfile.ZipFile, name: str, path: Path, promised: str | None, wheel_name: str) -> None:
    digest = hashlib.sha256()
    with archive.open(name) as source, path.open("xb") as file:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    if promised is not None and base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=") != promised:
        raise PluginRefused(_("{file}: RECORD: the hash of {name} is another one.", file=wheel_name, name=name))


def sha256_of(path: Path) -> str:
    """The hash by which a wheel is declared."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Reader:
    """One look at one open wheel."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive

    def read(self) -> Wheel:
        name, version = self._named()
        members = self._members()
        info = self._info_folder(name, version)
        self._check_format(info)
        self._check_record(info, members)
        metadata = HeaderParser().parsestr(self._text(f"{info}/METADATA", MAX_TEXT_BYTES))
        distribution = self._checked_name(metadata.get("Name"), metadata.get("Version"), name, version)
        self._check_python(metadata.get("Requires-Python"))
        requires = self._requires(metadata.get_all("Requires-Dist") or [])
        return Wheel(
            path=self._path,
            distribution=distribution,
            version=str(version),
            sha256=sha256_of(self._path),
            requires=requires,
            manifests=self._manifests(info, distribution, str(version), str(metadata.get("Summary") or ""), requires),
            members=members,
        )

    def hashes(self) -> dict[str, str]:
        """Name -> base64 of the SHA-256 that RECORD promises."""
        [record] = [name for name in self._archive.namelist() if _is_info_file(name, "RECORD")]
        found: dict[str, str] = {}
        for row in csv.reader(io.StringIO(self._text(record, MAX_RECORD_BYTES))):
            if len(row) == 3 and row[1].startswith("sha256="):
                found[row[0]] = row[1].removeprefix("sha256=")
        return found

    def _refuse(self, where: str, why: str) -> PluginRefused:
        return PluginRefused(f"{self._path.name}: {where}: {why}")

    def _named(self) -> tuple[str, Version]:
        try:
            name, version, _build, tags = parse_wheel_filename(self._path.name)
        except (InvalidWheelFilename, InvalidVersion):
            raise PluginRefused(_("{file} is not the name of a wheel.", file=ascii(self._path.name)[:200])) from None
        if tags.isdisjoint(sys_tags()):
            raise self._refuse(_("file name"), _("it is made for another Python or another kind of machine."))
        return name, version

    def _members(self) -> dict[str, str]:
        """Where each file goes; scripts, headers and data files of a wheel are left out."""
        entries = self._archive.infolist()
        if len(entries) > MAX_FILES:
            raise self._refuse(_("contents"), _("more than {count} files.", count=MAX_FILES))
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED_MIB * MIB:
            raise self._refuse(_("contents"), _("more than {mib} MiB unpacked.", mib=MAX_UNPACKED_MIB))
        members: dict[str, str] = {}
        folded: set[str] = set()
        for entry in entries:
            self._check_entry(entry)
            if entry.is_dir():
                continue
            if entry.filename.lower() in folded:
                raise self._refuse(ascii(entry.filename)[:200], _("it is there twice."))
            folded.add(entry.filename.lower())
            if target := _target(entry.filename):
                members[entry.filename] = target
        return members

    def _check_entry(self, entry: zipfile.ZipInfo) -> None:
        name, shown = entry.filename, ascii(entry.filename)[:200]
        parts = name.rstrip("/").split("/")
        if "\\" in entry.orig_filename or "\0" in entry.orig_filename or ":" in name or not name.isprintable():
            raise self._refuse(shown, _("a name with characters that no file of a wheel has."))
        if any(part in ("", ".", "..") or len(part.encode()) > 255 for part in parts) or len(name) > 1000:
            raise self._refuse(shown, _("a name that leads out of the wheel, or is too long."))
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise self._refuse(shown, _("it is a link or a device."))
        if entry.flag_bits & 0x1 or entry.compress_type not in METHODS:
            raise self._refuse(shown, _("it is encrypted, or packed in an unusual way."))
        if entry.file_size > BOMB_FROM_BYTES and entry.file_size > BOMB_RATIO * max(1, entry.compress_size):
            raise self._refuse(shown, _("it grows more than {ratio} times when unpacked.", ratio=BOMB_RATIO))

    def _info_folder(self, name: str, version: Version) -> str:
        folders = {one.split("/")[0] for one in self._archive.namelist() if one.split("/")[0].endswith(".dist-info")}
        if len(folders) != 1:
            raise self._refuse(_("contents"), _("there has to be one folder that ends in .dist-info."))
        [folder] = folders
        said, _dash, number = folder.removesuffix(".dist-info").partition("-")
        if normal(said) != normal(name) or not _same_version(number, version):
            raise self._refuse(ascii(folder)[:200], _("it does not carry the name and version of the wheel."))
        return folder

    def _check_format(self, info: str) -> None:
        said = HeaderParser().parsestr(self._text(f"{info}/WHEEL", MAX_TEXT_BYTES)).get("Wheel-Version", "")
        if not said.startswith("1."):
            raise self._refuse(f"{info}/WHEEL", _("Wheel-Version: has to be 1.x, not {said}.", said=ascii(said)[:50]))

    def _check_record(self, info: str, members: Mapping[str, str]) -> None:
        hashes = self.hashes()
        unlisted = [name for name in members if name not in hashes and not _is_info_file(name, "RECORD")]
        if unlisted:
            raise self._refuse(f"{info}/RECORD", _("{name} has no SHA-256 there.", name=ascii(unlisted[0])[:200]))

    def _checked_name(self, said_name: str | None, said_version: str | None, name: str, version: Version) -> str:
        if said_name is None or normal(said_name) != normal(name):
            raise self._refuse(
                "METADATA", _("Name: is {said}, the file name says {name}.", said=ascii(said_name)[:100], name=name)
            )
        if not _same_version(said_version or "", version):
            raise self._refuse(
                "METADATA",
                _("Version: is {said}, the file name says {version}.", said=ascii(said_version)[:100], version=version),
            )
        return said_name

    def _check_python(self, said: str | None) -> None:
        import platform

        try:
            fits = SpecifierSet(said or "").contains(platform.python_version(), prereleases=True)
        except InvalidSpecifier:
            raise self._refuse("METADATA", _("Requires-Python: is no range of versions.")) from None
        if not fits:
            here = platform.python_version()
            raise self._refuse("METADATA", _("Requires-Python: it needs {said}; this is {here}.", said=said, here=here))

    def _requires(self, lines: Sequence[str]) -> tuple[Requirement, ...]:
        found = []
        for line in lines:
            try:
                one = Requirement(line)
            except InvalidRequirement:
                raise self._refuse(
                    "METADATA", _("Requires-Dist: {line} is no requirement.", line=ascii(line)[:100])
                ) from None
            if one.url:
                raise self._refuse(
                    "METADATA", _("Requires-Dist: {name} is asked for by an address; name a version.", name=one.name)
                )
            if one.marker is None or one.marker.evaluate():
                found.append(one)
        return tuple(found)

    def _manifests(
        self, info: str, distribution: str, version: str, summary: str, requires: Sequence[Requirement]
    ) -> dict[str, Manifest]:
        groups = self._entry_points(f"{info}/entry_points.txt")
        found = {}
        for name, module in groups.get(ENTRY_POINTS, {}).items():
            package = self._package_of(name, module)
            manifest = manifest_of(
                name=name,
                module=module,
                distribution=distribution,
                version=version,
                summary=summary[:500],
                requires=[str(one) for one in requires],
                node_halves=groups.get(NODE_ENTRY_POINTS, {}),
                static=self._static(package),
            )
            if manifest.problem:
                raise self._refuse("entry_points.txt" if naming_problem(name) else FILE_NAME, manifest.problem)
            found[name] = manifest
        return found

    def _package_of(self, name: str, module: str) -> str:
        if not _MODULE.match(module):
            raise self._refuse(
                "entry_points.txt", _("{name}: has to be the dotted name of a module.", name=ascii(name)[:60])
            )
        package = module.split(".")[0]
        if not any(one == f"{package}.py" or one.startswith(f"{package}/") for one in self._archive.namelist()):
            raise self._refuse(
                "entry_points.txt", _("{name}: the wheel does not hold {package}.", name=name, package=package)
            )
        return package

    def _entry_points(self, name: str) -> dict[str, dict[str, str]]:
        if name not in self._archive.namelist():
            return {}
        parser = ConfigParser(delimiters=("=",), interpolation=None, strict=True)
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of entry points keep their case
        try:
            parser.read_string(self._text(name, MAX_TEXT_BYTES))
        except ConfigError as error:
            raise self._refuse("entry_points.txt", ascii(str(error))[1:200]) from None
        return {
            section: {key: value.strip() for key, value in parser[section].items()} for section in parser.sections()
        }

    def _static(self, package: str) -> ManifestFile:
        name = f"{package}/{FILE_NAME}"
        if name not in self._archive.namelist():
            return ManifestFile()
        return read_manifest_file(self._bytes(name, MAX_BYTES), source=f"{self._path.name}: {name}")

    def _text(self, name: str, limit_bytes: int) -> str:
        try:
            return self._bytes(name, limit_bytes).decode()
        except UnicodeDecodeError:
            raise self._refuse(name, _("it is not UTF-8.")) from None

    def _bytes(self, name: str, limit_bytes: int) -> bytes:
        try:
            with self._archive.open(name) as file:
                raw = file.read(limit_bytes + 1)
        except KeyError:
            raise self._refuse(name, _("it is missing.")) from None
        if len(raw) > limit_bytes:
            raise self._refuse(name, _("it is larger than {kib} KiB.", kib=limit_bytes // 1024))
        return raw


def _target(name: str) -> str:
    """Where a member goes; empty for what is left out."""
    first, _slash, rest = name.partition("/")
    if not first.endswith(".data"):
        return name
    kind, _slash, inner = rest.partition("/")
    return inner if kind in ("purelib", "platlib") else ""


def _is_info_file(name: str, which: str) -> bool:
    folder, _slash, file = name.partition("/")
    return folder.endswith(".dist-info") and file == which


def _same_version(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


def overlaps(wheels: Sequence[Wheel]) -> Iterator[tuple[Wheel, Wheel, str]]:
    """Pairs of wheels that bring the same top-level name, and the name."""
    seen: dict[str, Wheel] = {}
    for wheel in wheels:
        for name in sorted(wheel.top_levels):
            if name in seen:
                yield seen[name], wheel, name
            seen[name] = wheel
