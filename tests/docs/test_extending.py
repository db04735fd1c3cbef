"""The two plugins of the page on extending plugins do what it says, together and each alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PAGE = Path("docs/plugins/extending.md")
FILE = re.compile(r"^`(muntin_\w+/\w+\.py)`\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = """
import asyncio, json, sys
from pathlib import Path

from muntin.app import create_app
from muntin.bus.local import LocalBus
from muntin.configuration import Configuration
from muntin.database.migrations import migrate
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID
from muntin.roles.seeding import seed_roles
from muntin.testing.callers import People


async def main():
    configuration = Configuration(data_dir=Path(sys.argv[1]), plugins=tuple(sys.argv[2].split(",")), _env_file=None)
    await migrate(configuration.store_url, Panel(configuration, process="command").apps)
    app = create_app(configuration, bus=LocalBus())
    failed = [f"{one.plugin}: {one.reason}" for one in app.panel.registry.failed]
    await app.panel.open()
    await seed_roles()
    admin = await People(app).sign_in("root", role_id=ADMIN_ID)
    answers = []
    for enabled in sys.argv[3:]:
        app.panel.registry.switch(enabled.split(","))
        answer = await admin.get("/api/v1/greetings/Ada")
        answers.append(answer.body.get("data", answer.status))
    await app.panel.close()
    print(json.dumps({"failed": failed, "answers": answers}))


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def site(pages: Mapping[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files, as if they were installed."""
    folder = tmp_path_factory.mktemp("site")
    files = FILE.findall(pages[PAGE])
    assert [name for name, _code in files] == [
        "muntin_greetings/hookspecs.py", "muntin_greetings/service.py", "muntin_greetings/plugin.py",
        "muntin_bonjour/plugin.py",
    ]  # fmt: skip
    for name, code in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(code)
    for plugin in ("greetings", "bonjour"):
        information = folder / f"muntin_{plugin}-0.1.0.dist-info"
        information.mkdir()
        (folder / f"muntin_{plugin}" / "__init__.py").write_text('"""A plugin."""\n')
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: muntin-{plugin}\nVersion: 0.1.0\n")
        (information / "entry_points.txt").write_text(f"[muntin.plugins]\n{plugin} = muntin_{plugin}.plugin\n")
    return folder


def answers(site: Path, folder: Path, installed: str, *enabled: str) -> dict[str, object]:
    """What the panel answers while each of these sets is enabled."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUNTIN_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), installed, *enabled],
        env=environment | {"PYTHONPATH": str(site)}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_either_plugin_may_be_disabled(site: Path, tmp_path: Path) -> None:
    said = answers(site, tmp_path, "greetings,bonjour", "greetings,bonjour", "greetings", "bonjour")

    assert said == {
        "failed": [],
        "answers": [{"en": "Hello, Ada!", "fr": "Bonjour, Ada !"}, {"en": "Hello, Ada!"}, 404],
    }


@pytest.mark.parametrize(("installed", "answer"), [("greetings", {"en": "Hello, Ada!"}), ("bonjour", 404)])
def test_either_plugin_may_be_absent(site: Path, tmp_path: Path, installed: str, answer: object) -> None:
    """Its package too: the import of what is not there must not matter."""
    alone = tmp_path / "alone"
    alone.mkdir()
    for one in site.glob(f"muntin_{installed}*"):
        (alone / one.name).symlink_to(one)

    assert answers(alone, tmp_path / "data", installed, installed) == {"failed": [], "answers": [answer]}
