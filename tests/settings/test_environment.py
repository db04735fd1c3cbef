"""Settings that the environment decides."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from muntin.access import Actor
from muntin.configuration import Configuration
from muntin.panel import Panel
from muntin.settings import MailSettings, SecuritySettings, section
from muntin.settings.environment import overrides, read_smtp_url
from muntin.settings.service import read_settings
from muntin.testing.callers import Caller

SETTINGS = "/api/v1/admin/settings"


async def test_variable_wins_and_cannot_be_changed(admin: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNTIN_SETTING__SECURITY__LOCKOUT_MINUTES", "99")
    await admin.app.panel.settings.open()

    refused = await admin.put(SETTINGS, {"security": {"lockout_minutes": 5}})
    same = await admin.put(SETTINGS, {"security": {"lockout_minutes": 99, "max_failed_attempts": 5}})

    security = section(SecuritySettings)
    assert refused.body["error"] == {
        "code": "validation_error",
        "message": "Some fields are not right.",
        "details": {
            "security.lockout_minutes": [
                "The environment variable MUNTIN_SETTING__SECURITY__LOCKOUT_MINUTES decides this."
            ]
        },
    }
    assert (refused.status, same.status) == (422, 200)
    assert (security.lockout_minutes, security.max_failed_attempts) == (99, 5)


async def test_fixed_fields_are_named_with_their_variable(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNTIN_SETTING__MAIL__PASSWORD", "canary-7")
    monkeypatch.setenv("MUNTIN_SETTING__MAIL__PORT", "2525")
    await panel.settings.open()

    mail = next(view for view in await read_settings(Actor.system()) if view.section == "mail")

    assert mail.fixed == {"password": "MUNTIN_SETTING__MAIL__PASSWORD", "port": "MUNTIN_SETTING__MAIL__PORT"}
    assert (mail.values["password"], mail.values["port"]) == ("********", 2525)
    assert section(MailSettings).password == SecretStr("canary-7")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MUNTIN_SETTING__SECURITY__TWO_FACTOR", "al"),
        ("MUNTIN_SETTING__SECURITY__TOW_FACTOR", "all"),
        ("MUNTIN_SETTING__MAIL__PORT", "many"),
    ],
)
async def test_misspelt_variable_stops_the_start(
    panel: Panel, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ValueError, match=variable):
        await panel.settings.open()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 587, "", None, "starttls")),
        ("smtps://me:p%40ss@mail.example.org", ("mail.example.org", 465, "me", "p@ss", "tls")),
        ("smtp://mail:25?encryption=none", ("mail", 25, "", None, "none")),
    ],
)
def test_address_of_a_mail_server_is_read(url: str, expected: tuple[object, ...]) -> None:
    values = read_smtp_url(url)

    assert (values.pop("driver"), tuple(values.values())) == ("smtp", expected)


def test_wrong_address_of_a_mail_server_is_refused_without_repeating_it() -> None:
    configuration = Configuration(smtp_url=SecretStr("https://me:canary-7@mail.example.org"))

    with pytest.raises(ValueError, match="MUNTIN_SMTP_URL") as caught:
        overrides(configuration, {})

    assert "canary-7" not in str(caught.value)
