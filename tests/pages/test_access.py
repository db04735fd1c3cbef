"""Every page, by every kind of visitor: generated from the route table."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from muntin.core_plugin import muntin_routes
from muntin.routing import Route
from muntin.testing.attacks import filled

from .conftest import Visitor

PAGES = [route for route in muntin_routes() if route.dialect == "pages" and route.method in ("GET", "POST")]
CLOSED = [route for route in PAGES if route.permission is not None]
ADMIN = [route for route in CLOSED if route.permission and route.permission.startswith("admin.")]
PLAIN = ("/admin", "/admin/accounts", "/admin/accounts/new", "/admin/roles", "/admin/roles/new", "/admin/roles/1",
         "/admin/roles/2", "/admin/nodes", "/admin/nodes/new", "/admin/plugins", "/admin/settings/general",
         "/admin/settings/security", "/admin/settings/mail", "/admin/settings/features", "/admin/settings/oidc",
         "/admin/settings/retention", "/admin/jobs", "/admin/audit", "/setup/administrator", "/setup/address",
         "/setup/node", "/setup/more")  # fmt: skip
OWN = ("/", "/account", "/account/security", "/account/api-keys", "/account/api-keys/new", "/account/ssh-keys",
       "/account/activity", "/search", "/search?q=ac", "/docs/api", "/docs/api?search=node")  # fmt: skip
OPEN = ("/sign-in", "/forgot-password", "/reset-password?token=x&email=a@example.com", "/verify-email?token=x",
        "/invitation?token=x&email=a@example.com")  # fmt: skip


def label(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", CLOSED, ids=label)
async def test_a_stranger_is_sent_to_sign_in(nobody: Visitor, route: Route) -> None:
    path = filled(route.path, {})

    shown = await (nobody.get(path) if route.method == "GET" else nobody.post(path))

    assert (shown.status, shown.path.partition("?")[0]) == (303, "/sign-in")
    assert "Set-Cookie" not in shown.headers


@pytest.mark.parametrize("route", ADMIN, ids=label)
async def test_a_plain_account_may_not_administer(guest: Visitor, route: Route) -> None:
    path = filled(route.path, {"account_id": uuid4()})

    shown = await (guest.get(path) if route.method == "GET" else guest.post(path))

    on_a_row = route.guard is not None and route.guard.on is not None
    assert shown.status == (404 if on_a_row else 403)


@pytest.mark.parametrize("path", PLAIN + OWN)
async def test_an_administrator_sees_every_page(boss: Visitor, path: str) -> None:
    shown = await boss.get(path)

    assert shown.status == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert "'unsafe-inline'" not in shown.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", OWN)
async def test_a_plain_account_sees_its_own_pages(guest: Visitor, path: str) -> None:
    assert (await guest.get(path)).status == 200


@pytest.mark.parametrize("path", OPEN)
async def test_strangers_see_the_pages_of_signing_in(nobody: Visitor, path: str) -> None:
    assert (await nobody.get(path)).status == 200


@pytest.mark.parametrize("route", [route for route in PAGES if route.method == "POST"], ids=label)
async def test_no_change_without_the_proof(boss: Visitor, route: Route) -> None:
    shown = await boss.post(filled(route.path, {}), proof="wrong")

    assert shown.status == 403
    assert "came from another site" in shown.text


async def test_no_change_for_another_site_that_has_the_proof(boss: Visitor) -> None:
    shown = await boss.post("/account/security/sessions/end-others", Origin="https://evil.example")

    assert shown.status == 403


async def test_what_is_not_there_says_so_within_the_frame(boss: Visitor) -> None:
    shown = await boss.get("/admin/nodes/00000000-0000-0000-0000-000000000000")

    assert shown.status == 404
    assert "There is nothing here." in shown.text and 'aria-label="Main"' in shown.text


async def test_missing_permission_is_said_in_words_with_its_key_as_a_detail(guest: Visitor) -> None:
    shown = await guest.get("/admin")

    assert shown.status == 403
    assert '<h1 class="h2">You may not do this.</h1>' in shown.html
    assert "<code>admin.overview</code>" in shown.html
    assert "admin.overview" not in re.sub("<code>.*?</code>", "", shown.html)
