"""The page of plugins: what it shows, and what it takes to change the set from there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pyotp
import pytest

from muntin.accounts import second_factor
from muntin.accounts.models import AccountRow, UsedCodeRow
from muntin.app import PanelApp, create_app
from muntin.audit.models import AuditRow
from muntin.bus.local import LocalBus
from muntin.configuration import Configuration
from muntin.panel import Panel
from muntin.plugins.generations import Generations
from muntin.plugins.installing.report import read_report
from muntin.plugins.models import PluginRow
from muntin.roles.models import ADMIN_ID
from muntin.roles.seeding import seed_roles
from muntin.testing.callers import PASSWORD, People
from muntin.testing.visitors import Shown, Visitor, visitor
from muntin.testing.waiting import until

from .wheels import WheelPlan

pytestmark = pytest.mark.timeout(300)
FORM = "/admin/plugins/install/upload"


@pytest.fixture(scope="module")
async def app(panel_configuration: Configuration) -> AsyncIterator[PanelApp]:
    """A panel whose operator allows installing from the page."""
    allowed = panel_configuration.model_copy(update={"plugin_install": True})
    application = create_app(allowed, bus=LocalBus())
    await application.panel.open()
    await seed_roles()
    yield application
    await application.panel.close()


@pytest.fixture
async def boss(people: People, app: PanelApp) -> Visitor:
    """An administrator with a browser, and no second factor."""
    return await visitor(people, app, "boss", ADMIN_ID)


@pytest.fixture
async def careful(people: People, app: PanelApp) -> tuple[Visitor, pyotp.TOTP]:
    """An administrator with a browser and a second factor, of which no code was used."""
    found = await visitor(people, app, "careful", ADMIN_ID)
    await UsedCodeRow.filter(account_id=found.account_id).delete()
    secret = second_factor.new_secret()
    sealed = second_factor.lock_secret(found.account_id, secret)
    await AccountRow.filter(id=found.account_id).update(two_factor_secret=sealed)
    return found, pyotp.TOTP(secret)


async def send(who: Visitor, wheel: Path, code: str, password: str = PASSWORD) -> Shown:
    """Send the form."""
    content = await asyncio.to_thread(wheel.read_bytes)
    return await who.upload(FORM, {"password": password, "code": code}, {"file": (wheel.name, content)})


async def test_page_shows_plugins_whose_data_was_kept_with_the_remedy(boss: Visitor) -> None:
    await PluginRow.create(name="gone", version="1.2")

    listed, shown = await boss.get("/admin/plugins"), await boss.get("/admin/plugins/gone")

    assert (listed.status, shown.status) == (200, 200)
    for page in (listed, shown):
        assert "It is not installed; its data was kept." in page.text
        assert "Install it again, or purge what it left." in page.text
    await PluginRow.filter(name="gone").delete()


async def test_installing_from_the_page_is_off_unless_the_operator_allows_it(app: PanelApp, boss: Visitor) -> None:
    allowed = app.panel.configuration
    app.panel.configuration = allowed.model_copy(update={"plugin_install": False})
    try:
        form = await boss.get(FORM)
        sent = await boss.upload(FORM, {"password": PASSWORD, "code": "1"}, {"file": ("x.whl", b"")})
        listed = await boss.get("/admin/plugins")
    finally:
        app.panel.configuration = allowed

    assert (form.status, sent.status) == (403, 403)
    assert "MUNTIN_PLUGIN_INSTALL=1" in form.text
    assert FORM not in listed.html


async def test_installing_needs_a_second_factor_and_the_password_now(
    boss: Visitor, careful: tuple[Visitor, pyotp.TOTP], panel: Panel, tmp_path: Path
) -> None:
    wheel, (person, app_codes) = WheelPlan().write(tmp_path), careful

    without = await send(boss, wheel, "123456")
    wrong_code = await send(person, wheel, "000000")
    wrong_password = await send(person, wheel, app_codes.now(), password="wrong")

    assert [one.status for one in (without, wrong_code, wrong_password)] == [422, 422, 422]
    assert "two-factor" in without.text
    assert not (panel.configuration.data_dir / "plugins" / "incoming").exists()
    assert await AuditRow.filter(event="plugin.install_ordered").count() == 0


async def test_unsound_wheel_is_refused_in_the_form(careful: tuple[Visitor, pyotp.TOTP], tmp_path: Path) -> None:
    person, app_codes = careful
    wheel = WheelPlan(manifest="[plugin]\nname = 5").write(tmp_path)

    refused = await send(person, wheel, app_codes.now())

    assert refused.status == 422
    assert "plugin.name" in refused.text


async def test_plain_account_may_neither_see_nor_install(people: People, app: PanelApp, tmp_path: Path) -> None:
    guest = await visitor(people, app, "guest")

    answers = [
        await guest.get("/admin/plugins"), await guest.get(FORM), await send(guest, WheelPlan().write(tmp_path), "1"),
        await guest.post("/admin/plugins/notes/uninstall", {"data": "purge", "confirm": "notes"}),
        await guest.post("/admin/plugins/notes/purge", {"confirm": "notes"}),
    ]  # fmt: skip

    assert [one.status for one in answers] == [403] * 5


async def test_uploaded_plugin_is_installed_with_visible_progress_and_purged_again(
    careful: tuple[Visitor, pyotp.TOTP], panel: Panel, tmp_path: Path
) -> None:
    person, app_codes = careful
    generations = Generations(panel.configuration.data_dir)

    ordered = await send(person, WheelPlan().write(tmp_path), app_codes.now())
    report = await ended(person, generations, ordered.path)
    installed = generations.current
    unconfirmed = await person.post("/admin/plugins/notes/uninstall", {"data": "purge", "confirm": "something"})
    purging = await person.post("/admin/plugins/notes/uninstall", {"data": "purge", "confirm": "notes"})
    uninstalled = await ended(person, generations, purging.path)

    assert ordered.status in (200, 303)
    for step in ("Look and resolve", "Unpack", "Try notes in a process of its own", "Migrate", "Switch"):
        assert step in report.text
    assert "careful" in report.text
    assert installed == 1
    assert unconfirmed.path == "/admin/plugins"
    assert "Delete its tables" in uninstalled.text
    assert generations.current is None
    assert not list((generations.folder / "incoming").iterdir())
    [entry] = await AuditRow.filter(event="plugin.install_ordered")
    assert (entry.actor_username, entry.properties["file"]) == ("careful", "muntin_notes-1.0-py3-none-any.whl")


async def ended(who: Visitor, generations: Generations, path: str) -> Shown:
    """The page of a report, once the change is over."""
    assert path.startswith("/admin/plugins/changes/"), path
    report_id = UUID(path.rpartition("/")[2])

    def is_over() -> bool:
        report = read_report(generations.folder / "reports", report_id)
        return report is not None and report.state != "running"

    running = await who.get(path)
    await until(is_over, timeout_s=120)
    assert running.status == 200
    return await who.get(path)
