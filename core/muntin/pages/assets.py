"""Addresses of built assets, and how a static file is answered: compressed once, cached for ever, named by content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

CORE_ASSETS: Final = Path(__file__).resolve().parent.parent / "static" / "dist"
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"
TYPES: Final = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".gif": "image/gif",
        ".html": "text/html; charset=utf-8",
        ".ico": "image/x-icon",
        ".jpg": "image/jpeg",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".mjs": "text/javascript; charset=utf-8",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".webmanifest": "application/manifest+json",
        ".webp": "image/webp",
        ".woff2": "font/woff2",
    }
)
VARIANTS: Final = (("br", ".br"), ("gzip", ".gz"))  # best first


class AssetUnknown(LookupError):
    """A template named an asset that no build made; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class StaticAnswer:
    """What to send: `path` is None when there is no body (304, 404)."""

    status: int
    path: Path | None
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Index:
    """One look at the folder: what is asked for only ever meets names found here, so no path can leave it."""

    manifest: dict[str, dict[str, Any]]
    files: dict[str, Path]
    hashed: frozenset[str]  # names that hold their content's hash
    digests: dict[str, str] = field(default_factory=dict)


class Assets:
    """The static files of one folder, served below one prefix.

    Args:
        folder: Holds either a build (`manifest.json` beside hashed files) or plain files, as most plugins have.
        prefix: Where the files are served, such as `/static/core` or `/static/billing`.
    """

    def __init__(self, folder: Path = CORE_ASSETS, prefix: str = "/static/core") -> None:
        self.folder = folder
        self.prefix = prefix.rstrip("/")
        self._seen: tuple[int, _Index] | None = None

    def url(self, name: str) -> str:
        """The address of an asset by its source name, such as `main.js`.

        Raises:
            AssetUnknown: No build made it, and no plain file has that name.
        """
        index = self._index()
        if name in index.manifest:
            return f"{self.prefix}/{index.manifest[name]['file']}"
        if name in index.files:
            return f"{self.prefix}/{name}?v={self._digest(index, name)}"
        raise AssetUnknown(f"No asset {name!r} in {self.folder}; build the assets with `make assets`.")

    def preloads(self, name: str) -> tuple[str, ...]:
        """Addresses of a module and all chunks it needs, so that a page can fetch them at once."""
        entry = self._index().manifest.get(name)
        chunks = entry["imports"] if entry else ()
        return (self.url(name), *(f"{self.prefix}/{chunk}" for chunk in chunks))

    def answer(
        self, name: str, *, accept_encoding: str = "", if_none_match: str = "", version: str = ""
    ) -> StaticAnswer:
        """How a GET or HEAD of `<prefix>/<name>` is answered: status 200, 304 or 404.

        Args:
            accept_encoding: The request's header of that name, as is if_none_match.
            version: The `v` of the query; a plain file is cached for ever only under the address `url` gave.
        """
        index = self._index()
        path = index.files.get(name)
        if path is None:
            return StaticAnswer(404, None, {"Cache-Control": "no-store"})
        digest = self._digest(index, name)
        encoding, body = _variant(path, accept_encoding)
        headers = {
            "Cache-Control": FOR_EVER if name in index.hashed or version == digest else ASK_EACH_TIME,
            "ETag": f'"{digest}{"-" + encoding if encoding else ""}"',
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if _matches(headers["ETag"], if_none_match):
            return StaticAnswer(304, None, headers)
        headers["Content-Type"] = TYPES.get(path.suffix, "application/octet-stream")
        headers["Content-Length"] = str(body.stat().st_size)
        if encoding:
            headers["Content-Encoding"] = encoding
        return StaticAnswer(200, body, headers)

    def _index(self) -> _Index:
        """What the folder holds; read again when a build replaced it."""
        manifest = self.folder / "manifest.json"
        changed_ns = manifest.stat().st_mtime_ns if manifest.is_file() else 0
        if self._seen is None or self._seen[0] != changed_ns:
            self._seen = (changed_ns, _read(self.folder, manifest if changed_ns else None))
        return self._seen[1]

    @staticmethod
    def _digest(index: _Index, name: str) -> str:
        """The first 12 characters of the content's SHA-256; worked out once per file."""
        if name not in index.digests:
            index.digests[name] = hashlib.sha256(index.files[name].read_bytes()).hexdigest()[:12]
        return index.digests[name]


def _read(folder: Path, manifest: Path | None) -> _Index:
    entries = json.loads(manifest.read_text()) if manifest else {}
    internal = {"manifest.json", "stamp"} if manifest else set()
    names = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in {".br", ".gz"} and not path.name.startswith(".")
    }
    hashed = {file for entry in entries.values() for file in (entry["file"], *entry["imports"])}
    return _Index(entries, {name: path for name, path in names.items() if name not in internal}, frozenset(hashed))


def _variant(path: Path, accept_encoding: str) -> tuple[str, Path]:
    """The best compressed form that exists and the client takes; `("", path)` for the plain one."""
    accepted = _accepted(accept_encoding)
    for encoding, suffix in VARIANTS:
        compressed = path.with_name(path.name + suffix)
        if encoding in accepted and compressed.is_file():
            return encoding, compressed
    return "", path


def _accepted(header: str) -> frozenset[str]:
    """The encodings a client takes; those with `q=0` are refused ones."""
    taken = set()
    for part in header.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        weight = parameters.replace(" ", "").removeprefix("q=")
        if name and weight.rstrip("0") not in {"0.", "."} and weight != "0":
            taken.add(name.strip())
    return frozenset(taken)


def _matches(etag: str, if_none_match: str) -> bool:
    """Whether the client holds this very version (weak comparison, as a GET asks for)."""
    known = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return "*" in known or etag in known


core_assets: Final = Assets()
asset_url = core_assets.url
