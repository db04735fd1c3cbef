"""From what was typed (a name, a folder, a wheel) to what is to be checked."""

from __future__ import annotations

import email.message
import importlib.metadata
import json
import re
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from muntin.conformance.subject import Subject
from muntin.plugins import ENTRY_POINTS

NODE_ENTRY_POINTS = "muntin.node"


class NotFound(Exception):
    """There is nothing to check; the message says what was looked for."""


def find_subjects(target: str, folder: Path) -> list[Subject]:
    """The plugins that a name, a project folder or a wheel stands for.

    Args:
        folder: Somewhere to write; must live as long as the subjects are looked at.

    Raises:
        NotFound: No plugin is there.
    """
    path = Path(target)
    if path.suffix == ".whl" and path.is_file():
        return _of_wheel(path, folder)
    if (path / "pyproject.toml").is_file():
        return _of_project(path.resolve(), folder)
    if path.is_dir():
        raise NotFound(f"{target} has no pyproject.toml.")
    return _of_installed(target)


def _of_installed(name: str) -> list[Subject]:
    normal = _normal(name)
    found = [
        _of_distribution(point.dist, point)
        for point in importlib.metadata.entry_points(group=ENTRY_POINTS)
        if point.dist is not None and (point.name == name or _normal(point.dist.name) == normal)
    ]
    if not found:
        raise NotFound(f"No installed plugin, folder with a pyproject.toml or wheel is called {name}.")
    return found


def _of_wheel(wheel: Path, folder: Path) -> list[Subject]:
    site = folder / "wheel"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    distribution = next(iter(importlib.metadata.distributions(path=[str(site)])), None)
    points = [one for one in (distribution.entry_points if distribution else ()) if one.group == ENTRY_POINTS]
    if distribution is None or not points:
        raise NotFound(f"{wheel} offers no plugin: it has no entry point in the group {ENTRY_POINTS}.")
    return [_of_distribution(distribution, one, paths=(str(site),)) for one in points]


def _of_distribution(
    distribution: importlib.metadata.Distribution,
    point: importlib.metadata.EntryPoint,
    *,
    paths: tuple[str, ...] = (),
) -> Subject:
    metadata = cast(email.message.Message, distribution.metadata)  # which is what it is
    package, project = point.value.split(".")[0], _project_of(distribution)
    roots = [Path(one) for one in paths] or [Path(str(distribution.locate_file(""))), *_roots(project)]
    halves = {one.name: one.value for one in distribution.entry_points if one.group == NODE_ENTRY_POINTS}
    return Subject(
        name=point.name,
        module=point.value,
        node_module=halves.get(point.name, next(iter(halves.values()), "")),
        distribution=distribution.name,
        version=distribution.version,
        summary=metadata.get("Summary") or "",
        license_name=metadata.get("License-Expression") or metadata.get("License") or "",
        readme=str(metadata.get_payload() or metadata.get("Description") or ""),
        requires_python=metadata.get("Requires-Python") or "",
        requires=tuple(distribution.requires or ()),
        project=project,
        package=next((root / package for root in roots if (root / package).is_dir()), None),
        paths=paths,
    )


def _project_of(distribution: importlib.metadata.Distribution) -> Path | None:
    """Where an editable installation comes from."""
    text = distribution.read_text("direct_url.json")
    told = json.loads(text) if text else {}
    if not told.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(told["url"]).path))


def _of_project(project: Path, folder: Path) -> list[Subject]:
    """A project that need not be installed: its metadata are written as an installer would, beside its sources."""
    try:
        told: Mapping[str, Any] = tomllib.loads((project / "pyproject.toml").read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotFound(f"{project}/pyproject.toml cannot be read: {error}") from error
    about = told.get("project", {})
    if not about.get("entry-points", {}).get(ENTRY_POINTS):
        raise NotFound(f'{project} offers no plugin: pyproject.toml has no [project.entry-points."{ENTRY_POINTS}"].')
    site = folder / "site"
    _write_metadata(site, project, about)
    distribution = next(iter(importlib.metadata.distributions(path=[str(site)])))
    paths = (str(site), *(str(root) for root in _roots(project)))
    points = [one for one in distribution.entry_points if one.group == ENTRY_POINTS]
    return [replace(_of_distribution(distribution, one, paths=paths), project=project) for one in points]


def _write_metadata(site: Path, project: Path, about: Mapping[str, Any]) -> None:
    name, version = str(about.get("name", project.name)), str(about.get("version", "0.0.0"))
    home = site / f"{_normal(name).replace('-', '_')}-{version}.dist-info"
    home.mkdir(parents=True)
    message = email.message.Message()
    for header, value in _headers(name, version, about):
        message[header] = value
    message.set_payload(_readme(project, about))
    (home / "METADATA").write_text(message.as_string())
    groups = about.get("entry-points", {})
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in one.items()) for group, one in groups.items()
    ]
    (home / "entry_points.txt").write_text("\n".join(lines))


def _headers(name: str, version: str, about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Metadata-Version", "2.4"
    yield "Name", name
    yield "Version", version
    if about.get("description"):
        yield "Summary", str(about["description"]).replace("\n", " ")
    license_name = about.get("license")
    if license_name:
        yield "License-Expression", license_name if isinstance(license_name, str) else "see the file"
    if about.get("requires-python"):
        yield "Requires-Python", str(about["requires-python"])
    for line in about.get("dependencies", ()):
        yield "Requires-Dist", str(line)
    for extra, lines in about.get("optional-dependencies", {}).items():
        for line in lines:
            yield "Requires-Dist", f"{line} ; extra == '{extra}'"


def _readme(project: Path, about: Mapping[str, Any]) -> str:
    named = about.get("readme")
    file = named.get("file") if isinstance(named, Mapping) else named
    path = project / str(file or "README.md")
    return path.read_text(errors="replace") if file and path.is_file() else ""


def _roots(project: Path | None) -> list[Path]:
    """Folders of a project from which its package is imported."""
    if project is None:
        return []
    told: Mapping[str, Any] = tomllib.loads((project / "pyproject.toml").read_text())
    wheel = told.get("tool", {}).get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    named = [(project / package).parent for package in wheel.get("packages", ())]
    return [one for one in (*named, project / "src", project) if one.is_dir()]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
