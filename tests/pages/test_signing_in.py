"""Signing in, as a browser does it."""

from __future__ import annotations

import pyotp
import pytest

from muntin.accounts import second_factor, tokens
from muntin.accounts.models import AccountRow
from muntin.accounts.recovery import RESET_WITHIN
from muntin.app import PanelApp
from muntin.pages import first_steps
from muntin.plugins.models import VersionRow
from muntin.roles.models import ADMIN_ID
from muntin.runtime import panel
from muntin.settings.models import SettingRow
from muntin.testing.callers import PASSWORD, Caller, People

from .conftest import Visitor


@pytest.fixture
async def person(people: People) -> AccountRow:
    found = await AccountRow.get_or_none(username_key="person")
    return found or await people.add("person")


async def test_a_person_signs_in_by_name_and_goes_where_they_wanted(nobody: Visitor, person: AccountRow) -> None:
    shown = await nobody.post("/sign-in", {"email": "person", "password": PASSWORD, "next": "/account/activity"})

    assert (shown.status, shown.path) == (303, "/account/activity")
    assert "HttpOnly" in shown.headers["Set-Cookie"] and "SameSite=Lax" in shown.headers["Set-Cookie"]
    assert (await nobody.follow(shown)).status == 200


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", ""])
async def test_nobody_is_sent_away_from_the_panel(nobody: Visitor, person: AccountRow, wanted: str) -> None:
    shown = await nobody.post("/sign-in", {"email": "person", "password": PASSWORD, "next": wanted})

    assert (shown.status, shown.path) == (303, "/")


async def test_a_wrong_password_keeps_the_name_and_not_the_password(nobody: Visitor, person: AccountRow) -> None:
    shown = await nobody.post("/sign-in", {"email": "person", "password": "not the right one"})

    assert shown.status == 422
    assert "The e-mail address or the password is not right." in shown.text
    assert 'value="person"' in shown.text and "not the right one" not in shown.text
    assert nobody.cookies == {}


async def test_the_second_factor_is_asked_for(people: People, nobody: Visitor) -> None:
    account, secret = await people.add("careful"), second_factor.new_secret()
    locked = second_factor.lock_secret(account.id, secret)
    await AccountRow.filter(id=account.id).update(two_factor_secret=locked)

    asked = await nobody.post("/sign-in", {"email": "careful", "password": PASSWORD, "next": "/account"})
    wrong = await nobody.post("/sign-in/code", {"code": "000000", "next": "/account"})
    half = await nobody.get("/account")
    right = await nobody.post("/sign-in/code", {"code": pyotp.TOTP(secret).now(), "next": "/account"})

    assert asked.path == "/sign-in/code?next=%2Faccount"
    assert (wrong.status, half.status) == (422, 303)
    assert "This code is not right, or was used before." in wrong.text
    assert right.path == "/account"
    assert (await nobody.follow(right)).status == 200


async def test_the_second_step_without_the_first_begins_again(nobody: Visitor) -> None:
    shown = await nobody.get("/sign-in/code")

    assert shown.path == "/sign-in"
    assert "This took too long; please sign in again." in (await nobody.follow(shown)).text


async def test_signing_out_ends_the_session(guest: Visitor) -> None:
    shown = await guest.post("/sign-out")

    assert shown.path == "/sign-in"
    assert guest.cookies == {}


async def test_whoever_is_signed_in_needs_no_form(guest: Visitor) -> None:
    assert (await guest.get("/sign-in")).path == "/"


async def test_an_administrator_begins_with_the_set_up_until_it_is_left(
    people: People, app: PanelApp, nobody: Visitor
) -> None:
    await people.add("founder", role_id=ADMIN_ID)
    first = await nobody.post("/sign-in", {"email": "founder", "password": PASSWORD})

    left = await nobody.post("/setup/skip")
    again = await Visitor(app).post("/sign-in", {"email": "founder", "password": PASSWORD})

    assert (first.path, left.path, again.path) == ("/setup", "/", "/")
    await VersionRow.filter(name=first_steps.NAME).delete()


async def test_registration_is_closed_unless_it_is_opened(nobody: Visitor) -> None:
    shown = await nobody.get("/register")

    assert shown.status == 403
    assert "Registration is closed." in shown.text


async def test_a_person_registers_when_that_is_open(boss: Visitor, nobody: Visitor) -> None:
    assert (await boss.post("/admin/settings/security", {**SECURITY, "registration_enabled": "true"})).status == 303

    wrong = await nobody.post("/register", {"email": "guest@example.com", "username": "x", "password": PASSWORD})
    made = await nobody.post("/register", {"email": "new@example.com", "username": "newcomer", "password": PASSWORD})

    assert wrong.status == 422 and "String should have at least 3 characters." in wrong.text
    assert made.path == "/"
    assert (await nobody.follow(made)).status == 200
    await boss.post("/admin/settings/security", SECURITY)


SECURITY = {
    "two_factor": "disabled",
    "password_min_length": "8",
    "session_lifetime_minutes": "10080",
    "session_timeout_minutes": "1440",
    "max_failed_attempts": "10",
    "lockout_minutes": "15",
}


async def test_a_forgotten_password_tells_nobody_who_has_an_account(nobody: Visitor, person: AccountRow) -> None:
    known = await nobody.post("/forgot-password", {"email": person.email})
    unknown = await nobody.post("/forgot-password", {"email": "nobody@example.com"})

    assert known.status == unknown.status == 200
    assert known.text.count("If there is an account") == unknown.text.count("If there is an account") == 1


async def test_a_link_sets_a_new_password_once(people: People, nobody: Visitor) -> None:
    account = await people.add("forgetful")
    token = await tokens.issue("password_reset", account.id, lifetime=RESET_WITHIN)
    fields = {"token": token, "email": account.email, "password": "another long password"}

    short = await nobody.post("/reset-password", {**fields, "password": "short"})
    done = await nobody.post("/reset-password", fields)
    after = await nobody.follow(done)
    again = await nobody.post("/reset-password", fields)

    assert short.status == 422 and token in short.text
    assert done.path == "/sign-in"
    assert "Your password is set." in after.text
    assert again.status == 422 and "not valid any more" in again.text


async def test_an_invitation_is_accepted_on_a_page_of_its_own(people: People, nobody: Visitor) -> None:
    account = await people.add("invited", verified=False)
    token = await tokens.issue("invitation", account.id, lifetime=RESET_WITHIN)
    fields = {"token": token, "email": account.email, "password": "a first long password"}

    opened = await nobody.get(f"/invitation?token={token}&email={account.email}")
    short = await nobody.post("/invitation", {**fields, "password": "short"})
    done = await nobody.post("/invitation", fields)
    after = await nobody.follow(done)
    again = await nobody.post("/invitation", fields)

    assert "Welcome to muntin" in opened.text and "An account was made for you." in opened.text
    assert (short.status, again.status) == (422, 422)
    assert token in short.text and "Choose this password" in short.text
    assert done.path == "/sign-in" and "Your account is ready" in after.text


async def test_a_link_is_opened_without_confirming_anything(people: People, nobody: Visitor) -> None:
    account = await people.add("unconfirmed", verified=False)
    token = await tokens.issue("verification", account.id, lifetime=RESET_WITHIN)

    opened = await nobody.get(f"/verify-email?token={token}")
    before = (await AccountRow.get(id=account.id)).email_verified_at
    confirmed = await nobody.post("/verify-email", {"token": token})

    assert (opened.status, before, confirmed.path) == (200, None, "/sign-in")
    assert (await AccountRow.get(id=account.id)).email_verified_at is not None


async def test_whoever_must_enrol_is_led_to_it_and_nowhere_else(boss: Visitor, people: People, nobody: Visitor) -> None:
    await people.add("unprotected")
    await boss.post("/admin/settings/security", {**SECURITY, "two_factor": "all"})
    signed_in = await nobody.post("/sign-in", {"email": "unprotected", "password": PASSWORD})

    start, security = await nobody.follow(signed_in), await nobody.get("/account/security")
    keys = await nobody.get("/account/api-keys")

    assert (start.path, keys.path, security.status) == ("/account/security", "/account/security", 200)
    assert "Set up two-factor authentication first" in security.text
    await SettingRow.filter(section="security").delete()
    await panel().settings.reload()


@pytest.mark.parametrize("path", ["/sign-in/oidc", "/sign-in/oidc/callback?state=x&code=y"])
async def test_a_provider_that_is_not_set_up_is_said_on_the_form(nobody: Visitor, path: str) -> None:
    shown = await nobody.get(path)

    assert shown.status == 422
    assert "Sign-in through a provider is not set up." in shown.text


async def test_requests_of_the_api_never_set_a_cookie(admin: Caller) -> None:
    answers = [await admin.get(path) for path in ("/api/v1/account", "/api/v1/nothing", "/api/v1/admin/users")]

    assert [answer.status for answer in answers] == [200, 404, 200]
    assert not any("set-cookie" in str(answer.headers).lower() for answer in answers)
