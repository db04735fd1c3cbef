"""A package index on this machine: pages of links as `pip --index-url` reads them."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Index:
    """What it holds and what it was asked.

    Attributes:
        url: For `--index`.
        asked: Paths, in order.
        promised: File name -> hash that its page promises, where that is not the file's.
    """

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    promised: dict[str, str] = field(default_factory=dict)

    def page_of(self, project: str) -> str:
        """Links to the wheels of a project, each with its hash; empty when there is none."""
        files = [path for path in sorted(self.folder.glob("*.whl")) if _normal(path.name.split("-")[0]) == project]
        return "".join(f'<a href="/files/{one.name}#sha256={self._hash(one)}">{one.name}</a>\n' for one in files)

    def _hash(self, path: Path) -> str:
        return self.promised.get(path.name) or hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def serving(folder: Path) -> Iterator[Index]:
    """Serve the wheels of a folder, on loopback."""
    index = Index(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            kind, _slash, name = self.path.strip("/").partition("/")
            body, of = _answer(index, kind, name)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", of)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        index.url = f"http://127.0.0.1:{server.server_port}/simple"
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()


def _answer(index: Index, kind: str, name: str) -> tuple[bytes, str]:
    if kind == "simple":
        return index.page_of(name).encode(), "text/html"
    path = index.folder / Path(name).name
    return (path.read_bytes() if kind == "files" and path.is_file() else b""), "application/octet-stream"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
