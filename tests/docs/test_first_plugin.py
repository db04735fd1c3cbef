"""The tutorial, followed to the letter: from built wheels, in a clean environment, to a plugin that comes and goes.

What stands in `sh` blocks is run, `diff` blocks are applied, files are written, in the order of the page. Differences:
the `console` block that makes the environment is `..wheels.environment`; `muntin up` runs beside the rest, on a free
port that is put in place of 8080; the shell ends at the first command that fails.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from muntin.testing.free_ports import free_port

from ..plugin_lifecycle.remains import left_of, runs_without_a_job
from ..wheels.environment import Environment, make_environment

PAGE = Path("docs/plugins/first-plugin.md")
STEP = re.compile(r"(?:^`([\w/.-]+)`\n\n)?^```(sh|diff|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UP = "muntin up\n"
READY_S = 120.0
TOLD_S = 240.0


class Reader:
    """Somebody who reads the page and does what it says."""

    def __init__(self, environment: Environment, folder: Path, text: str) -> None:
        self.environment, self.folder = environment, folder
        self.project = folder / "muntin-notes"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.steps = iter(STEP.findall(text.replace("http://127.0.0.1:8080", self.url)))
        self.exported = ""
        self.panel: subprocess.Popen[bytes] | None = None
        self.said: list[str] = []

    def follow(self, *, until: str = "") -> None:
        """Take steps, up to and including the first that holds this text."""
        for name, language, content in self.steps:
            self._take(name, language, content)
            if until and until in content:
                return

    def close(self) -> None:
        """Stop the panel."""
        if self.panel is not None:
            self.panel.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.panel.wait(60)
            self.panel.kill()

    def client(self) -> httpx.Client:
        """Asks the panel as its administrator."""
        body = {"email": "you@example.com", "password": "correct-horse-battery"}
        answer = httpx.post(f"{self.url}/api/v1/auth/login", json=body, trust_env=False, timeout=30)
        headers = {"Authorization": f"Bearer {answer.json()['data']['access_token']}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)

    def _take(self, name: str, language: str, content: str) -> None:
        if name:
            (self.project / name).write_text(content)
        elif language == "diff":
            _apply(self.project, content)
        elif content == UP:
            self._up()
        elif content.startswith("export "):
            self.exported = content
        else:
            self.said.append(self._shell(content))

    def _shell(self, commands: str) -> str:
        place = self.project if self.project.exists() else self.folder
        script = f"set -eu -o pipefail\n{self.exported}{commands}"
        return self.environment.run("bash", "-c", script, cwd=place)

    def _up(self) -> None:
        bind = self.url.removeprefix("http://")
        free = [f"127.0.0.1:{free_port()}" for _number in range(2)]
        settings = f"export MUNTIN_BIND={bind} MUNTIN_NODE_BIND={free[0]} MUNTIN_NODE_SFTP_BIND={free[1]}\n"
        self.exported += settings + "export MUNTIN_LOCAL_NODE=never\n"
        with (self.folder / "panel.log").open("wb") as log:
            self.panel = subprocess.Popen(
                ["bash", "-c", f"{self.exported}exec muntin up"],
                cwd=self.project, env=dict(self.environment.variables), stdout=log, stderr=log,
            )  # fmt: skip
        until(lambda: httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).status_code == 200, READY_S)


@pytest.fixture(scope="module")
def reader(pages: Mapping[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody at the top of the page."""
    folder = tmp_path_factory.mktemp("tutorial")
    found = Reader(make_environment(folder / "environment"), folder, pages[PAGE])
    yield found
    found.close()


@pytest.mark.timeout(1500)
def test_tutorial_ends_with_a_plugin_that_was_used_upgraded_and_left_no_trace(reader: Reader) -> None:
    reader.follow(until="plugin check .")
    assert "Nothing to complain about" in reader.said[-1]

    reader.follow(until="pip uninstall")
    assert sorted(path.name for path in (reader.project / "dist").glob("*.whl")) == [
        "muntin_notes-0.1.0-py3-none-any.whl",
        "muntin_notes-0.2.0-py3-none-any.whl",
    ]
    assert [path.name for path in sorted((reader.project / "muntin_notes/migrations").glob("0*.py"))] == [
        "0001_initial.py",
        "0002_mood.py",
    ]

    reader.follow(until="curl")
    assert '"title":"Milk"' in reader.said[-1].replace(": ", ":")

    reader.follow(until="plugin upgrade")
    with reader.client() as client:
        until(lambda: "mood" in client.get("/api/v1/notes").json()["data"][0], TOLD_S)
        assert [(one["title"], one["mood"]) for one in client.get("/api/v1/notes").json()["data"]] == [("Milk", "")]

    reader.follow(until="plugin disable")
    with reader.client() as client:
        until(lambda: client.get("/api/v1/notes").status_code == 200, TOLD_S)

    reader.follow()
    with reader.client() as client:
        until(lambda: client.get("/api/v1/notes").status_code == 404, TOLD_S)
    assert [line for line in reader.said[-1].splitlines() if line.startswith("notes ")] == []
    assert left_of("notes", reader.project / "data") == {"core_audit": 1}  # who purged it
    assert runs_without_a_job(reader.project / "data") == 0


def until(holds: object, within_s: float) -> None:
    """Wait until something holds; what cannot be asked yet does not."""
    assert callable(holds)
    ends_s = time.monotonic() + within_s
    while True:
        with suppress(httpx.HTTPError, KeyError, IndexError, ValueError):
            if holds():
                return
        assert time.monotonic() < ends_s, f"did not come true within {within_s:g} s"
        time.sleep(0.2)


def _apply(project: Path, diff: str) -> None:
    """Apply a change whose old lines are in the file exactly once."""
    head, *lines = diff.splitlines()
    path = project / head.removeprefix("--- ")
    old = "\n".join(line[1:] for line in lines[1:] if line[:1] in " -")
    new = "\n".join(line[1:] for line in lines[1:] if line[:1] in " +")
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has these lines {text.count(old)} times:\n{old}"
    path.write_text(text.replace(old, new))
