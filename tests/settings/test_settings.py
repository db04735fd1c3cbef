"""Settings over the native API, and as the panel's own code reads them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from pydantic import SecretStr

from muntin.audit.models import AuditRow
from muntin.events.models import OutboxRow
from muntin.panel import Panel
from muntin.roles.models import RoleRow
from muntin.settings import GeneralSettings, MailSettings, SecuritySettings, section
from muntin.settings.models import SettingRow
from muntin.testing.callers import Answer, Caller, People
from muntin.versions import bump

SETTINGS = "/api/v1/admin/settings"


def _error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


async def test_all_sections_are_shown_with_their_defaults(admin: Caller) -> None:
    shown = (await admin.get(SETTINGS)).data

    assert {name: shown[name] for name in ("general", "security", "mail")} == {
        "general": {
            "name": "muntin",
            "url": section(GeneralSettings).url,
            "language": "en",
            "timezone": "UTC",
        },
        "security": {
            "two_factor": "disabled",
            "password_min_length": 8,
            "session_lifetime_minutes": 10080,
            "session_timeout_minutes": 1440,
            "max_failed_attempts": 10,
            "lockout_minutes": 15,
            "registration_enabled": False,
            "email_verification": False,
        },
        "mail": {
            "driver": "log",
            "host": "",
            "port": 587,
            "username": "",
            "password": None,
            "encryption": "starttls",
            "from_address": "panel@localhost",
            "from_name": "",
        },
    }
    assert all(isinstance(value, bool) for value in shown["features"].values())


async def test_partial_change_counts_at_once_and_is_audited(admin: Caller) -> None:
    sent = {
        "general": {"name": "Games & Co"},
        "security.registration_enabled": True,
        "security": {"lockout_minutes": 30},
    }

    response = await admin.put(SETTINGS, sent)

    shown = response.data
    assert response.status == 200
    assert shown == (await admin.get(SETTINGS)).data
    assert (shown["general"]["name"], shown["security"]["lockout_minutes"]) == ("Games & Co", 30)
    assert section(GeneralSettings).name == "Games & Co"
    assert section(SecuritySettings).registration_enabled
    entries = await AuditRow.filter(event="settings.changed").order_by("subject_id")
    assert [(entry.subject_id, entry.properties) for entry in entries] == [
        ("general", {"name": "Games & Co"}),
        ("security", {"lockout_minutes": 30, "registration_enabled": True}),
    ]
    assert await OutboxRow.filter(type="settings.changed").count() == 2


async def test_wrong_fields_are_named_and_nothing_is_stored(admin: Caller) -> None:
    for sent, field in [
        ({"general": {"name": ""}}, "general.name"),
        ({"general": {"url": "ftp://x"}}, "general.url"),
        ({"general": {"timezone": "Mars/Olympus"}}, "general.timezone"),
        ({"security": {"session_lifetime_minutes": 10081}}, "security.session_lifetime_minutes"),
        ({"security.two_factor": "maybe"}, "security.two_factor"),
        ({"security": {"colour": 1}}, "security.colour"),
        ({"billing": {"enabled": True}}, "billing"),
        ({"nothing": {}}, "nothing"),
        ({"general": "x"}, "general"),
        ({"mail": {"port": 0}, "general": {"name": "Kept?"}}, "mail.port"),
        ({"mail": {"from_name": "a\r\nBcc: b@c.d"}}, "mail.from_name"),
    ]:
        response = await admin.put(SETTINGS, sent)
        assert _error(response) == (422, "validation_error"), sent
        assert list(response.body["error"]["details"]) == [field]

    assert await SettingRow.all().count() == 0
    assert section(GeneralSettings).name == "muntin"


async def test_secret_is_encrypted_and_never_shown(admin: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "muntin"):
        response = await admin.put(SETTINGS, {"mail": {"host": "mail.example.org", "password": "canary-7"}})

    assert response.data["mail"]["password"] == "********"
    assert section(MailSettings).password == SecretStr("canary-7")
    everything = [
        await SettingRow.all().values("values"),
        await AuditRow.all().values("properties"),
        await OutboxRow.all().values("payload"),
        (await admin.get(SETTINGS)).body,
        caplog.text,
    ]
    assert "canary-7" not in str(everything)
    assert (await AuditRow.get(event="settings.changed")).properties == {
        "host": "mail.example.org",
        "password": "********",
    }


@pytest.mark.parametrize("sent", [{}, {"password": None}, {"password": "********"}])
async def test_secret_that_is_not_given_keeps_its_value(admin: Caller, sent: dict[str, Any]) -> None:
    await admin.put(SETTINGS, {"mail": {"password": "canary-7"}})

    response = await admin.put(SETTINGS, {"mail": {"host": "other.example.org", **sent}})

    assert response.data["mail"]["password"] == "********"
    assert section(MailSettings).password == SecretStr("canary-7")


async def test_empty_secret_removes_it(admin: Caller) -> None:
    await admin.put(SETTINGS, {"mail": {"password": "canary-7"}})

    response = await admin.put(SETTINGS, {"mail": {"password": ""}})

    assert response.data["mail"]["password"] is None
    assert section(MailSettings).password is None


async def test_sections_need_their_own_permission_too(people: People) -> None:
    role = await RoleRow.create(name="Clerk", slug="clerk", permissions=["admin.settings.general"])
    clerk = await people.sign_in("clerk", role_id=role.id)

    shown = (await clerk.get(SETTINGS)).data
    allowed = await clerk.put(SETTINGS, {"general": {"name": "Mine"}})
    security = await clerk.put(SETTINGS, {"security": {"two_factor": "disabled"}, "general": {"name": "Not"}})
    mail = await clerk.put(SETTINGS, {"mail.host": "mine.example.org"})

    assert not {"security", "mail", "oidc"} & shown.keys()
    assert allowed.status == 200
    assert _error(security) == _error(mail) == (403, "forbidden")
    assert section(GeneralSettings).name == "Mine"


async def test_people_without_permission_and_strangers_are_refused(people: People) -> None:
    user = await people.sign_in("somebody")

    assert _error(await user.get(SETTINGS)) == (403, "forbidden")
    assert _error(await user.put(SETTINGS, {})) == (403, "forbidden")
    assert _error(await user.post(f"{SETTINGS}/email/test")) == (403, "forbidden")
    assert _error(await people.stranger().get(SETTINGS)) == (401, "unauthorized")
    assert _error(await people.stranger().put(SETTINGS, {})) == (401, "unauthorized")
    assert _error(await people.stranger().post(f"{SETTINGS}/email/test")) == (401, "unauthorized")


async def test_change_of_an_older_state_is_refused(admin: Caller) -> None:
    tag = (await admin.get(SETTINGS)).headers["ETag"]

    first = await admin.put(SETTINGS, {"general": {"name": "First"}}, If_Match=tag)
    late = await admin.put(SETTINGS, {"general": {"name": "Late"}}, If_Match=tag)

    assert first.status == 200
    assert _error(late) == (412, "precondition_failed")
    assert section(GeneralSettings).name == "First"


async def test_changes_at_once_are_all_kept(admin: Caller) -> None:
    names = ("lockout_minutes", "max_failed_attempts", "password_min_length", "session_timeout_minutes")

    answers = await asyncio.gather(*(admin.put(SETTINGS, {"security": {name: 60}}) for name in names))

    assert [answer.status for answer in answers] == [200] * 4
    assert (await SettingRow.get(section="security")).values == dict.fromkeys(names, 60)


async def test_change_by_another_process_is_seen_by_its_number(panel: Panel) -> None:
    await SettingRow.create(section="general", version=1, values={"name": "Elsewhere"})
    await bump("settings")

    await panel.versions.look()

    assert section(GeneralSettings).name == "Elsewhere"


async def test_stored_values_that_no_longer_fit_give_way_to_defaults(panel: Panel) -> None:
    values = {"name": "Kept", "timezone": "Mars/Olympus", "gone": 1}
    await SettingRow.create(section="general", version=1, values=values)

    await panel.settings.reload()

    general = section(GeneralSettings)
    assert (general.name, general.timezone) == ("Kept", "UTC")


async def test_secret_of_another_key_is_as_if_never_set(panel: Panel) -> None:
    await SettingRow.create(section="mail", version=1, values={"password": "v1.00000000.AAAA", "host": "kept.example"})

    await panel.settings.reload()

    assert (section(MailSettings).password, section(MailSettings).host) == (None, "kept.example")
