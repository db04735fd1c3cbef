"""`muntin settings`, `muntin key` and `muntin events`, run as people run them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from muntin.configuration import Configuration
from muntin.panel import Panel
from muntin.roles.models import RoleRow
from muntin.settings import GeneralSettings, MailSettings, section
from muntin.testing.callers import Caller
from muntin.testing.fixtures import KEY
from muntin.testing.forks import Ended, Forks
from muntin.testing.waiting import until


class Commands:
    """Runs commands beside an open panel, on its store."""

    def __init__(self, configuration: Configuration, forks: Forks) -> None:
        self._forks = forks
        self._environment = {
            **os.environ,
            "MUNTIN_DATA_DIR": str(configuration.data_dir),
            "MUNTIN_DATABASE_URL": configuration.database_url,
            "MUNTIN_SECRET_KEY": KEY,
            "MUNTIN_PLUGINS": "none",
        }

    async def start(self, *arguments: str, **more: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "muntin.cli", *arguments, env={**self._environment, **more},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run(self, *arguments: str, typed: str = "", **more: str) -> Ended:
        environment = {**self._environment, **more}
        return await self._forks.run("-m", "muntin.cli", *arguments, environment=environment, typed=typed)


@pytest.fixture
def commands(panel_configuration: Configuration, panel: Panel, forks: Forks) -> Commands:
    """Runs commands."""
    return Commands(panel_configuration, forks)


async def test_setting_is_changed_shown_and_known_to_other_processes(commands: Commands, panel: Panel) -> None:
    changed = await commands.run("settings", "set", "general", "name", "42")
    number = await commands.run("settings", "set", "mail", "port", "2525")
    got = await commands.run("settings", "get", "general", "name")
    listed = await commands.run("settings", "list", "general", "--json")

    await until(lambda: section(GeneralSettings).name == "42" and section(MailSettings).port == 2525)
    assert (changed.code, number.code, changed.complained) == (0, 0, "")
    assert got.said == '"42"\n'
    assert json.loads(listed.said)["general"]["name"] == "42"


async def test_secret_is_read_from_standard_input_and_never_shown(commands: Commands, panel: Panel) -> None:
    changed = await commands.run("settings", "set", "mail", "password", "-", typed="canary-secret\n")
    shown = [await commands.run("settings", *one) for one in (("list",), ("get", "mail", "password"))]

    await panel.settings.reload()
    password = section(MailSettings).password
    assert password is not None and password.get_secret_value() == "canary-secret"
    assert "canary" not in changed.said + changed.complained + "".join(one.said for one in shown)
    assert shown[1].said == '"********"\n'


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("set", "mail", "port", "99999"), "mail.port: Input should be less than or equal to 65535.\n"),
        (("set", "mail", "nothing", "1"), "mail.nothing: There is no such setting.\n"),
        (("set", "nothing", "x", "1"), "nothing: There is no such setting.\n"),
        (("get", "mail", "nothing"), "There is no setting mail.nothing.\n"),
        (("list", "nothing"), "There is no section nothing.\n"),
        (("describe", "nothing"), "There is no section nothing.\n"),
    ],
)
async def test_wrong_setting_is_named(commands: Commands, arguments: tuple[str, ...], complaint: str) -> None:
    ended = await commands.run("settings", *arguments)

    assert (ended.code, ended.said) == (1, "")
    assert ended.complained.startswith(complaint)


async def test_section_is_described_with_limits_and_variable(commands: Commands) -> None:
    ended = await commands.run("settings", "describe", "mail")

    assert "port: whole number, default 587; at least 1, at most 65535\n    Port\n    MUNTIN_SETTING__MAIL__PORT\n" in (
        ended.said
    )
    assert "password: secret, default none\n" in ended.said


async def test_key_from_the_environment_is_rotated_in_steps(commands: Commands, admin: Caller) -> None:
    await admin.put("/api/v1/admin/settings", {"mail.password": "mail-secret"})
    keys = {"MUNTIN_SECRET_KEY": "another-key", "MUNTIN_SECRET_KEY_PREVIOUS": KEY}

    early = await commands.run("key", "forget", **keys)
    status = await commands.run("key", "status", **keys)
    rotated = await commands.run("key", "rotate", **keys)
    late = await commands.run("key", "forget", **keys)
    after = await commands.run("key", "status", **(keys | {"MUNTIN_SECRET_KEY_PREVIOUS": ""}))

    assert (early.code, status.code) == (1, 1)
    assert "1  core_setting.values" in early.complained and "1 made by an earlier key:" in status.said
    assert (rotated.code, rotated.said.splitlines()[0]) == (0, "1 values were encrypted anew.")
    assert (late.code, "MUNTIN_SECRET_KEY_PREVIOUS" in late.said) == (0, True)
    assert (after.code, after.said) == (0, "1 made by the newest key.\n")


async def test_key_file_is_rotated_in_one_go(commands: Commands, panel: Panel, forks: Forks, tmp_path: Path) -> None:
    await commands.run("settings", "set", "mail", "password", "mail-secret", MUNTIN_SECRET_KEY=KEY)
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "secret.key").write_text(KEY + "\n")
    own = {"MUNTIN_DATA_DIR": str(folder)}
    environment = {name: value for name, value in commands._environment.items() if name != "MUNTIN_SECRET_KEY"} | own

    async def key(*arguments: str) -> Ended:
        return await forks.run("-m", "muntin.cli", "key", *arguments, environment=environment)

    option = () if panel.configuration.on_sqlite else ("--only-this-host",)
    refused = None if panel.configuration.on_sqlite else await key("rotate")
    rotated = await key("rotate", *option)
    lines = (folder / "secret.key").read_text().split()
    forgotten = await key("forget")
    status = await key("status")

    assert refused is None or (refused.code, "several hosts" in refused.complained) == (1, True)
    assert rotated.said.splitlines()[:2] == [
        "A new key was made; the earlier one can still be read with.",
        "1 values were encrypted anew.",
    ]
    assert (lines[1:], forgotten.said) == ([KEY], "1 earlier keys were thrown away.\n")
    assert (folder / "secret.key").read_text().split() == lines[:1]
    assert (status.code, status.said) == (0, "1 made by the newest key.\n")


async def test_events_are_followed_as_they_happen(commands: Commands, admin: Caller) -> None:
    process = await commands.start("events", "tail", "-n", "0", "--json", "--type", "role.*", "--type", "no.such")
    assert process.stdout is not None
    try:
        lines: list[bytes] = []
        reading = asyncio.create_task(process.stdout.readline())
        number = 0
        async with asyncio.timeout(60):
            while not reading.done():  # it may not be listening yet, so several are made
                number += 1
                body = {"name": f"Role {number}", "slug": f"role-{number}", "permissions": []}
                assert (await admin.post("/api/v1/admin/roles", body)).status == 201
                await admin.put("/api/v1/admin/settings", {"general.name": f"Panel {number}"})
                await asyncio.wait([reading], timeout=1)
        lines.append(await reading)
    finally:
        process.kill()
        await process.wait()

    told = json.loads(lines[0])
    made = await RoleRow.filter(slug__startswith="role-").values_list("slug", flat=True)
    assert (told["type"], told["version"], told["resource_type"], told["sequence"]) == ("role.created", 1, "role", 1)
    assert told["actor_id"] == str(admin.account_id)
    assert len(made) == number


async def test_types_of_events_come_with_their_schemas(commands: Commands) -> None:
    ended = await commands.run("events", "list", "--json")

    types = {one["type"]: one for one in map(json.loads, ended.said.splitlines())}
    assert types["node.created"] == {
        "type": "node.created",
        "version": 1,
        "plugin": "core",
        "description": "A node was added.",
        "concerns": [],
        "schema": {
            "additionalProperties": False,
            "description": "A node was added.",
            "properties": {
                "node_id": {"format": "uuid", "title": "Node Id", "type": "string"},
                "name": {"title": "Name", "type": "string"},
            },
            "required": ["node_id", "name"],
            "title": "NodeCreated",
            "type": "object",
        },
    }


@pytest.mark.parametrize(
    ("is_made", "problem"), [(False, "There is no database yet."), (True, "The database cannot be used: no such table")]
)
async def test_command_without_a_database_says_what_makes_one(
    commands: Commands, tmp_path: Path, is_made: bool, problem: str
) -> None:
    file = tmp_path / "panel.db"
    if is_made:
        file.touch()

    ended = await commands.run("settings", "list", MUNTIN_DATABASE_URL=f"sqlite://{file}")

    assert (ended.code, ended.said) == (1, "")
    assert ended.complained.startswith(problem)
    assert ended.complained.endswith("`muntin migrate` makes or updates it, `muntin doctor` finds what is wrong.\n")
    assert ended.complained.count("\n") == 2
