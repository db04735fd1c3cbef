"""Forms of the account and of the administration: taken, refused, and shown again with what was typed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pyotp
import pytest

from muntin.accounts.models import AccountRow, ApiKeyRow, SessionRow
from muntin.app import PanelApp
from muntin.call import Call
from muntin.database import transaction
from muntin.events.models import DeadLetter, Lane, OutboxRow
from muntin.jobs import enqueue
from muntin.jobs.models import JobRow
from muntin.nodes.models import NodeRow
from muntin.pages import forms
from muntin.pages.dialect import form_values
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.testing.callers import PASSWORD, People

from .conftest import Shown, Visitor, visitor

NODE = {
    "name": "node-1",
    "fqdn": "node1.example.org",
    "scheme": "https",
    "daemon_port": "8080",
    "sftp_port": "2022",
    "memory": "65536",
    "memory_overallocate": "0",
    "disk": "500000",
    "disk_overallocate": "0",
    "upload_size": "100",
    "is_public": "true",
}


async def test_a_profile_is_saved_and_says_so_once(guest: Visitor) -> None:
    fields = {"email": "guest@example.com", "username": "guest", "first_name": "Ada", "last_name": "Lovelace",
              "language": "en", "timezone": "Europe/Berlin", "current_password": ""}  # fmt: skip
    saved = await guest.post("/account", fields)
    first, second = await guest.follow(saved), await guest.get("/account")

    assert saved.path == "/account"
    assert "Saved." in first.text and "Ada Lovelace" in first.text
    assert "Saved." not in second.text


async def test_nothing_typed_is_lost_on_an_error(guest: Visitor) -> None:
    fields = {"email": "guest@example.com", "username": "guest", "first_name": "Grace", "last_name": "",
              "language": "en", "timezone": "Nowhere/Land", "current_password": ""}  # fmt: skip
    shown = await guest.post("/account", fields)

    assert shown.status == 422
    assert 'value="Grace"' in shown.text and 'value="Nowhere/Land"' in shown.text
    assert 'id="f-timezone-error"' in shown.text


async def test_a_link_cannot_put_words_on_a_page(guest: Visitor) -> None:
    shown = await guest.get("/account?notice=Call+0900+now")
    guest.cookies["muntin-notice"] = "eyJraW5kIjoiaW5mbyJ9.AAAA"
    forged = await guest.get("/account")

    assert "0900" not in shown.text
    assert (forged.status, "m-notice" in forged.text) == (200, False)


async def test_the_second_factor_is_set_up_with_a_code(people: People, app: PanelApp) -> None:
    browser = await visitor(people, app, "enrolling")
    begun = await browser.post("/account/security/two-factor", {"password": PASSWORD})
    secret = re.search(r'data-copy="([A-Z2-7]{16,})"', begun.text)
    assert begun.status == 200 and secret is not None

    wrong = await browser.post("/account/security/two-factor/enable", {"code": "000000"})
    on = await browser.post("/account/security/two-factor/enable", {"code": pyotp.TOTP(secret.group(1)).now()})

    assert (wrong.status, on.status) == (422, 200)
    assert "Your recovery codes" in on.text
    assert "recovery codes are left" in (await browser.get("/account/security")).text


async def test_an_api_key_is_shown_once_and_switched_off_and_deleted(people: People, app: PanelApp) -> None:
    browser = await visitor(people, app, "keyholder")
    fields = {"description": "Backups", "permissions[]": ["account.read"], "allowed_ips": "192.0.2.0/24",
              "expires_at": "2099-01-01T10:00"}  # fmt: skip

    made = await browser.post("/account/api-keys/new", fields)
    key = await ApiKeyRow.get(description="Backups")
    off = await browser.post(f"/account/api-keys/{key.id}/switch", {"active": "false"})
    await key.refresh_from_db()
    gone = await browser.post(f"/account/api-keys/{key.id}/delete")

    assert made.text.count("bp_") >= 1 and (key.permissions, key.allowed_ips) == (["account.read"], ["192.0.2.0/24"])
    assert (off.path, gone.path, key.is_active) == ("/account/api-keys", "/account/api-keys", False)
    assert not await ApiKeyRow.exists(id=key.id)


async def test_a_wrong_network_is_named_below_its_field(guest: Visitor) -> None:
    fields = {"description": "Mine", "allowed_ips": "192.0.2.1, nonsense", "everything": "true"}
    shown = await guest.post("/account/api-keys/new", fields)

    assert shown.status == 422
    assert "Give an address or a network such as 192.0.2.0/24." in shown.text


async def test_a_key_is_offered_nothing_that_its_owner_lacks(boss: Visitor, guest: Visitor) -> None:
    mine, theirs = await boss.get("/account/api-keys/new"), await guest.get("/account/api-keys/new")

    assert 'value="admin.nodes.list"' in mine.text
    assert 'value="admin.nodes.list"' not in theirs.text and 'value="account.read"' in theirs.text


async def test_a_foreign_key_is_not_there(people: People, app: PanelApp, guest: Visitor) -> None:
    other = await visitor(people, app, "somebody-else")
    await other.post("/account/api-keys/new", {"description": "Theirs", "everything": "true"})
    key = await ApiKeyRow.get(description="Theirs")

    assert (await guest.get(f"/account/api-keys/{key.id}")).status == 404
    assert (await guest.post(f"/account/api-keys/{key.id}/delete")).status == 404


async def test_all_other_sessions_end(people: People, app: PanelApp) -> None:
    here, there = await visitor(people, app, "travelling"), await visitor(people, app, "travelling")
    assert (await there.get("/account")).status == 200

    ended = await here.post("/account/security/sessions/end-others")

    assert ended.path == "/account/security"
    assert ((await here.get("/account")).status, (await there.get("/account")).status) == (200, 303)
    assert await SessionRow.filter(account_id=here.account.id).count() == 1  # type: ignore[union-attr]  # signed in


async def test_an_account_is_made_changed_suspended_and_deleted(boss: Visitor) -> None:
    made = await boss.post("/admin/accounts/new", ACCOUNT)
    account = await AccountRow.get(username_key="ada")
    path = f"/admin/accounts/{account.id}"
    changed = await boss.post(path, {**ACCOUNT, "first_name": "Augusta"})
    suspended = await boss.post(f"{path}/status", {"status": "suspended"})
    await account.refresh_from_db()
    unnamed = await boss.post(f"{path}/delete", {"confirm": "someone"})
    deleted = await boss.post(f"{path}/delete", {"confirm": "ada"})

    assert [one.path for one in (made, changed, suspended, unnamed, deleted)] == [path, path, path, path,
                                                                                 "/admin/accounts"]  # fmt: skip
    assert (account.first_name, account.status) == ("Augusta", "suspended")
    assert (await AccountRow.get(id=account.id)).status == "deleted"


ACCOUNT = {"email": "ada@example.org", "username": "ada", "password": "", "first_name": "Ada", "last_name": "",
           "role_id": "3", "status": "active", "language": "", "external_id": ""}  # fmt: skip


async def test_an_address_that_is_taken_is_named_below_its_field(boss: Visitor, guest: Visitor) -> None:
    shown = await boss.post("/admin/accounts/new", {**ACCOUNT, "email": "guest@example.com", "username": "another"})

    assert shown.status == 422
    assert 'id="f-email-error"' in shown.text and "Another account has this address." in shown.text


async def test_several_accounts_are_suspended_at_once(boss: Visitor, people: People) -> None:
    one, two = await people.add("bulk-one"), await people.add("bulk-two")

    shown = await boss.post("/admin/accounts/suspend", {"ids": [str(one.id), str(two.id), "no id"]})

    assert shown.path == "/admin/accounts"
    assert "2 changed." in (await boss.follow(shown)).text
    assert await AccountRow.filter(id__in=[one.id, two.id], status="suspended").count() == 2


async def test_taken_name_of_a_role_is_said_below_what_was_typed(boss: Visitor) -> None:
    fields = {"name": "Admin", "slug": "", "description": "", "rate_limit_multiplier": "1"}

    unnamed = await boss.post("/admin/roles/new", fields)
    named = await boss.post("/admin/roles/new", fields | {"name": "Helpers", "slug": "admin"})

    assert (unnamed.status, named.status) == (422, 422)
    assert field_errors(unnamed) == {"f-name-error": "There is a role of such a name already."}
    assert field_errors(named) == {"f-slug-error": "Another role has this short name."}
    assert 'role="alert"' not in unnamed.html + named.html


def field_errors(shown: Shown) -> dict[str, str]:
    """Id -> message of each field that was refused."""
    return dict(re.findall(r'class="m-field-error" id="([\w-]+)">.*?<span>(.*?)</span>', shown.html))


async def test_language_is_no_question_while_there_is_one(boss: Visitor) -> None:
    shown = [await boss.get(path) for path in ("/account", "/admin/accounts/new")]

    assert ['name="language"' in one.html for one in shown] == [False, False]


async def test_language_is_chosen_from_those_that_exist(guest: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "LANGUAGES", {"en": "English", "de": "Deutsch"})
    fields = {"email": "guest@example.com", "username": "guest", "timezone": "UTC", "language": "de"}

    saved = await guest.post("/account", fields)
    shown = await guest.get("/account")

    assert saved.path == "/account"
    assert '<option value="de" selected>Deutsch</option>' in shown.html
    assert '<option value="en">English</option>' in shown.html


async def test_a_role_is_made_of_ticked_permissions(boss: Visitor) -> None:
    fields = {"name": "Support", "slug": "", "description": "", "rate_limit_multiplier": "1.5",
              "permissions[]": ["admin.users.list", "account.read"]}  # fmt: skip
    made = await boss.post("/admin/roles/new", fields)
    role = await RoleRow.get(slug="support")
    again = await boss.post("/admin/roles/new", fields)
    gone = await boss.post(f"/admin/roles/{role.id}/delete", {"confirm": "support"})

    assert made.path == f"/admin/roles/{role.id}"
    assert (role.permissions, role.rate_limit_multiplier) == (["account.read", "admin.users.list"], 1.5)
    assert again.status == 422 and 'value="Support"' in again.text
    assert gone.path == "/admin/roles"


async def test_nobody_gives_what_they_do_not_hold(people: People, app: PanelApp) -> None:
    role = await RoleRow.create(
        name="Clerk", slug="clerk", permissions=["account.read", "admin.roles.list", "admin.roles.create"]
    )
    clerk = await visitor(people, app, "clerk", role.id)

    fields = {"name": "More", "description": "typed", "rate_limit_multiplier": "1", "everything": "true"}
    shown = await clerk.post("/admin/roles/new", fields)

    assert shown.status == 422
    assert "You can only give what you hold yourself." in shown.text
    assert 'value="More"' in shown.text and "typed" in shown.text
    assert not await RoleRow.exists(name="More")


async def test_a_role_that_may_do_more_is_refused_in_the_form_of_an_account(people: People, app: PanelApp) -> None:
    role = await RoleRow.create(
        name="Desk", slug="desk", permissions=["account.read", "admin.users.list", "admin.users.create"]
    )
    desk = await visitor(people, app, "desk", role.id)

    fields = {"email": "new@example.com", "username": "newcomer", "role_id": str(ADMIN_ID), "password": PASSWORD}
    shown = await desk.post("/admin/accounts/new", fields)

    assert shown.status == 422
    assert "This role may do more than you." in shown.text and 'value="newcomer"' in shown.text
    assert not await AccountRow.exists(username="newcomer")


async def test_fields_that_are_sent_more_than_once_keep_every_value(app: PanelApp, people: People) -> None:
    body = b"csrf_token=x&tags=a&tags=b&name=one&permissions%5B%5D=p&empty="
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with app.test_request_context("/", method="POST", data=body, headers=headers) as context:
        values = form_values(Call.of(context.request, ()), body)

    assert values == {"tags": ["a", "b"], "name": "one", "permissions": ["p"], "empty": ""}


async def test_a_node_is_added_with_its_command_and_deleted(boss: Visitor) -> None:
    made = await boss.post("/admin/nodes/new", NODE)
    node = await NodeRow.get(name="node-1")
    path = f"/admin/nodes/{node.id}"
    pages = [await boss.get(f"{path}{end}") for end in ("", "/settings", "/configuration")]
    saved = await boss.post(f"{path}/settings", {**NODE, "location": "Falkenstein"})
    resting = await boss.post(f"{path}/maintenance", {"on": "true"})
    rotated = await boss.post(f"{path}/rotate")
    await node.refresh_from_db()
    gone = await boss.post(f"{path}/delete", {"confirm": "node-1"})

    assert "muntin-node configure --panel-url" in made.text
    assert [one.status for one in pages] == [200, 200, 200]
    assert (saved.path, resting.path, rotated.path) == (f"{path}/settings", path, f"{path}/configuration")
    assert (node.location, node.maintenance_mode) == ("Falkenstein", True)
    assert gone.path == "/admin/nodes"


async def test_settings_are_saved_and_secrets_never_shown(boss: Visitor) -> None:
    fields = {"driver": "smtp", "host": "mail.example.org", "port": "587", "username": "panel",
              "password": "canary-secret", "encryption": "starttls", "from_address": "panel@example.org",
              "from_name": ""}  # fmt: skip
    saved = await boss.post("/admin/settings/mail", fields)
    shown = await boss.get("/admin/settings/mail")
    wrong = await boss.post("/admin/settings/mail", {**fields, "port": "99999", "password": "canary-secret"})

    assert saved.path == "/admin/settings/mail"
    assert "canary-secret" not in shown.text + wrong.text and "Replace" in shown.text
    assert wrong.status == 422 and 'value="99999"' in wrong.text and 'id="f-port-error"' in wrong.text
    await boss.post("/admin/settings/mail", {**fields, "driver": "log"})


async def test_settings_somebody_else_changed_meanwhile_are_not_overwritten(boss: Visitor) -> None:
    fields = {"audit_days": "300", "mail_days": "20", "version": "0"}
    first = await boss.post("/admin/settings/retention", fields)
    second = await boss.post("/admin/settings/retention", {**fields, "audit_days": "100"})

    assert (first.status, second.status) == (303, 422)
    assert "changed by somebody else" in second.text


async def test_a_failed_job_is_run_again(boss: Visitor) -> None:
    async with transaction() as events:
        job = await enqueue(events, "core.forget_audit")
    await JobRow.filter(id=job).update(state="failed", error="No space left.")

    overview, shown = await boss.get("/admin"), await boss.get(f"/admin/jobs/{job}")
    again = await boss.post(f"/admin/jobs/{job}/retry")
    refused = await boss.post(f"/admin/jobs/{job}/retry")
    cancelled = await boss.post(f"/admin/jobs/{job}/cancel")

    assert "One job failed" in overview.text and "No space left." in shown.text
    assert again.path == refused.path == cancelled.path == f"/admin/jobs/{job}"
    assert (await JobRow.get(id=job)).state == "cancelled"


async def test_a_failed_job_shows_its_attempts_and_is_discarded(boss: Visitor) -> None:
    async with transaction() as events:
        job = await enqueue(events, "core.forget_audit", days=7)
    tried = {"attempt": 1, "began_at": None, "ended_at": "2026-01-02T03:04:05+00:00", "error": "No <space> left."}
    await JobRow.filter(id=job).update(state="failed", error="No space left.", tries=[tried], plugin="core")

    listed, shown = await boss.get("/admin/jobs?plugin=core&state=failed"), await boss.get(f"/admin/jobs/{job}")
    gone = await boss.post(f"/admin/jobs/{job}/discard")

    assert str(job) in listed.html and "No &lt;space&gt; left." in shown.html and '"days":7' in shown.text
    assert gone.path == "/admin/jobs"
    assert not await JobRow.exists(id=job)


async def test_undelivered_events_are_listed_delivered_again_and_discarded(boss: Visitor, guest: Visitor) -> None:
    event = await OutboxRow.create(
        type="mail.sent", version=1, resource_type="mail", resource_id="7", sequence=1, payload={"mail_id": "7"},
        occurred_at=datetime.now(UTC), state="routed",
    )  # fmt: skip
    letters = [
        await DeadLetter.create(subscriber=f"shop.{name}", event_id=event.id, attempts=12, error="Inbox <full>.")
        for name in ("one", "two")
    ]

    listed, refused = await boss.get("/admin/jobs/events"), await guest.get("/admin/jobs/events")
    again = await boss.post(f"/admin/jobs/events/{letters[0].id}/retry")
    gone = await boss.post(f"/admin/jobs/events/{letters[1].id}/discard")
    empty = await boss.get("/admin/jobs/events")

    assert "shop.one" in listed.text and "Inbox &lt;full&gt;." in listed.html and refused.status in (403, 404)
    assert again.path == gone.path == "/admin/jobs/events"
    assert "Every event was delivered" in empty.text
    assert await Lane.filter(subscriber="shop.one", apart=str(event.id)).count() == 1


async def test_tables_are_searched_filtered_and_refuse_unknown_orders(boss: Visitor) -> None:
    found = await boss.get("/admin/accounts?search=boss&status=active&sort=-email")
    nothing = await boss.get("/admin/accounts?search=no-such-name")
    wrong = await boss.get("/admin/accounts?sort=password_hash")

    assert "boss@example.com" in found.text
    assert "Nothing matches" in nothing.text
    assert wrong.status == 400


async def test_the_search_finds_pages_that_one_may_see(boss: Visitor, guest: Visitor) -> None:
    mine = await boss.get("/search?q=audit", HX_Request="true")
    theirs = await guest.get("/search?q=audit", HX_Request="true")

    assert 'href="/admin/audit"' in mine.text and "<html" not in mine.text
    assert "/admin/audit" not in theirs.text and "Nothing is called so." in theirs.text


async def test_the_first_set_up_is_gone_through(boss: Visitor) -> None:
    fields = {"email": "boss@example.com", "username": "boss", "new_password": "", "current_password": ""}
    first = await boss.post("/setup/administrator", fields)
    second = await boss.post("/setup/address", {"name": "Hosting", "url": "https://panel.example.test"})
    third = await boss.post("/setup/node")
    resumed = await boss.get("/setup")
    last = await boss.post("/setup/skip")

    assert (first.path, second.path, third.path) == ("/setup/address", "/setup/node", "/setup/more")
    assert (resumed.path, last.path) == ("/setup/more", "/")
    assert "Hosting" in (await boss.get("/")).text


async def test_htmx_is_sent_on_by_its_own_header(guest: Visitor) -> None:
    shown = await guest.post("/account/security/sessions/end-others", HX_Request="true")

    assert (shown.status, shown.headers["Hx-Redirect"]) == (200, "/account/security")
