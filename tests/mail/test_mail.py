"""Mail: from the transaction that causes it to a real mail server."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from muntin import mail
from muntin.audit.models import AuditRow
from muntin.contributions import MailTemplate
from muntin.database import transaction
from muntin.events.models import OutboxRow
from muntin.jobs.contexts import JobContext
from muntin.jobs.models import JobRow
from muntin.jobs.testing import FakeClock, run_pending
from muntin.mail.contributions import JOBS
from muntin.mail.delivery import MAX_ATTEMPTS, send_mail
from muntin.mail.messages import build_message
from muntin.mail.models import MailRow
from muntin.mail.rendering import Rendered, find_template, render
from muntin.mail.transport import MailFailed
from muntin.panel import Panel
from muntin.testing.callers import Caller

SETTINGS = "/api/v1/admin/settings"
LINK = "https://panel.example.org/reset-password?token=canary-token&email=a%40b.c"


async def _no_progress(percent: int, text: str) -> None:
    """Nobody watches."""


async def _queue(to: str = "ada@example.org", **values: object) -> UUID:
    async with transaction() as events:
        return await mail.send(events, "account.password_reset", to=to, values={"name": "Ada", "url": LINK, **values})


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


async def _deliver(mail_id: UUID, attempt: int = 1) -> None:
    await send_mail(JobContext(mail_id, "core.send_mail", attempt, _no_progress), mail_id=str(mail_id))


async def _use(admin: Caller, server: Any, **changes: object) -> None:
    response = await admin.put(SETTINGS, {"mail": {**server.settings, **changes}})
    assert response.status == 200


async def test_mail_arrives_as_text_and_html_with_its_id(admin: Caller, mail_server: Any) -> None:
    await _use(admin, mail_server)
    mail_id = await _queue()

    await _deliver(mail_id)

    [taken] = mail_server.taken
    row = await MailRow.get(id=mail_id)
    text, html = taken.get_body(("plain",)), taken.get_body(("html",))
    assert (taken["Subject"], taken["To"]) == ("Set a new password", "ada@example.org")
    assert taken["From"] == "muntin <panel@example.org>"
    assert taken["Message-ID"] == f"<{mail_id}@panel.example.test>"
    assert LINK in text.get_content()
    assert LINK.replace("&", "&amp;") in html.get_content()
    assert (row.state, row.attempts) == ("sent", 1)
    assert row.values is row.last_error is None
    assert await OutboxRow.exists(type="mail.sent", resource_id=str(mail_id))


async def test_mail_that_was_sent_is_not_sent_again(admin: Caller, mail_server: Any) -> None:
    await _use(admin, mail_server)
    mail_id = await _queue()

    await _deliver(mail_id)
    await _deliver(mail_id, attempt=2)

    assert len(mail_server.taken) == 1


async def test_mail_exists_only_if_its_cause_does(panel: Panel) -> None:
    with pytest.raises(RuntimeError):
        async with transaction() as events:
            await mail.send(events, "core.test", to="ada@example.org")
            raise RuntimeError

    assert (await MailRow.all().count(), await JobRow.all().count()) == (0, 0)


async def test_each_mail_has_one_job(panel: Panel) -> None:
    mail_id = await _queue()

    [job] = await JobRow.all()

    assert (job.name, job.arguments) == ("core.send_mail", {"mail_id": str(mail_id)})


async def test_mail_server_that_is_away_is_tried_again_and_given_up_in_the_end(admin: Caller, mail_server: Any) -> None:
    await _use(admin, mail_server, port=1)
    mail_id = await _queue()

    with pytest.raises(MailFailed):
        await _deliver(mail_id, attempt=1)
    waiting = await MailRow.get(id=mail_id)
    await _deliver(mail_id, attempt=MAX_ATTEMPTS)
    given_up = await MailRow.get(id=mail_id)

    assert (waiting.state, waiting.attempts, waiting.values is None) == ("queued", 1, False)
    assert (given_up.state, given_up.attempts, given_up.values is None) == ("dead", MAX_ATTEMPTS, True)
    assert given_up.last_error
    assert await OutboxRow.exists(type="mail.given_up", resource_id=str(mail_id))


async def test_job_tries_for_hours_before_it_gives_up(admin: Caller, mail_server: Any) -> None:
    await _use(admin, mail_server, port=1)
    mail_id, clock = await _queue(), FakeClock()
    waits_s: list[float] = []

    while (await MailRow.get(id=mail_id)).state == "queued":
        if await run_pending(JOBS[:1], clock=clock):
            waits_s.append(0.0)
        clock.advance(30)
        waits_s[-1] += 30

    row = await MailRow.get(id=mail_id)
    assert (row.state, row.attempts, len(waits_s)) == ("dead", MAX_ATTEMPTS, MAX_ATTEMPTS)
    assert waits_s[:4] == [30, 60, 120, 240]
    assert 3 * 3600 < sum(waits_s) < 6 * 3600
    assert [job.state for job in await JobRow.all()] == ["done"]


async def test_mail_waits_for_a_mail_server_that_comes_back(admin: Caller, mail_server: Any) -> None:
    await _use(admin, mail_server)
    mail_server.answer = "451 later"
    mail_id = await _queue()

    with pytest.raises(MailFailed):
        await _deliver(mail_id)
    mail_server.answer = "250 OK"
    await _deliver(mail_id, attempt=2)

    assert len(mail_server.taken) == 1
    assert (await MailRow.get(id=mail_id)).state == "sent"


@pytest.mark.parametrize("refusal", [{"answer": "554 never"}, {"recipient_answer": "550 nobody here"}])
async def test_mail_that_is_refused_for_good_is_not_tried_again(
    admin: Caller, mail_server: Any, refusal: dict[str, str]
) -> None:
    await _use(admin, mail_server)
    vars(mail_server).update(refusal)
    mail_id = await _queue()

    await _deliver(mail_id)

    row = await MailRow.get(id=mail_id)
    assert (row.state, row.attempts) == ("dead", 1)
    assert next(iter(refusal.values()))[4:] in (row.last_error or "")


async def test_wrong_password_is_the_settings_fault_and_not_the_mails(admin: Caller, mail_server: Any) -> None:
    await _use(admin, mail_server, password="wrong")
    mail_id = await _queue()

    with pytest.raises(MailFailed):
        await _deliver(mail_id)

    assert (await MailRow.get(id=mail_id)).state == "queued"


async def test_certificate_nobody_vouches_for_gets_no_password(
    admin: Caller, mail_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    await _use(admin, mail_server)
    mail_id = await _queue()

    with pytest.raises(MailFailed, match=r"(?i)certificate"):
        await _deliver(mail_id)


async def test_links_are_neither_in_the_database_nor_in_the_log(
    panel: Panel, admin: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "muntin"):
        mail_id = await _queue()
        stored = [await model.all().values() for model in (MailRow, JobRow, OutboxRow, AuditRow)]
        await _deliver(mail_id)

    assert "canary-token" not in str(stored)
    assert "canary-token" not in caplog.text
    assert f"{mail_id}@" in caplog.text
    assert (await MailRow.get(id=mail_id)).state == "sent"


@pytest.mark.parametrize("address", ["", "nobody", "a@b.c\r\nBcc: x@y.z", "a@b.c, x@y.z", "<a@b.c>"])
async def test_what_is_no_address_is_refused_at_once(panel: Panel, address: str) -> None:
    with pytest.raises(ValueError):
        await _queue(to=address)


async def test_unknown_template_is_refused_at_once(panel: Panel) -> None:
    with pytest.raises(LookupError):
        async with transaction() as events:
            await mail.send(events, "nobodys.template", to="ada@example.org")


async def test_no_text_begins_a_header_of_its_own(panel: Panel) -> None:
    rendered = Rendered("Hello\r\nBcc: x@y.z\u2028\u202e", "text", "")

    message = build_message(UUID(int=1), rendered, to_address="a@b.org", to_name='Eve\r\nCc: x@y.z" <x@y.z>')

    assert message["Bcc"] is None and message["Cc"] is None
    assert message["Subject"] == "Hello Bcc: x@y.z"
    assert [address.addr_spec for address in message["To"].addresses] == ["a@b.org"]
    assert b"\r\nBcc" not in message.as_bytes() and b"\r\nCc" not in message.as_bytes()


async def test_values_are_escaped_in_html_and_run_nothing(panel: Panel) -> None:
    evil = "<script>x</script>{{ 7 * 7 }}{name.__class__}"

    rendered = render(find_template("account.notice"), {"name": evil, "title": "T", "text": evil, "facts": {"a": evil}})

    assert "<script>" not in rendered.html and "49" not in rendered.html
    assert rendered.text.count(evil) == 3


async def test_template_cannot_reach_into_python(panel: Panel) -> None:
    template = MailTemplate(name="x.y", template="mail/test", subject="{{ ''.__class__.__mro__ }}")

    with pytest.raises(Exception, match=r"unsafe|access to attribute"):
        render(template, {})


async def test_every_template_fills_with_its_sample(panel: Panel) -> None:
    for template in panel.registry.of(MailTemplate):
        rendered = render(template, template.sample)
        assert rendered.subject and rendered.text.strip() and "<html" in rendered.html, template.name
        assert "{{" not in rendered.text + rendered.html


async def test_theme_overrides_a_template_by_its_path(panel: Panel) -> None:
    _write(panel.configuration.data_dir / "theme" / "mail" / "test.txt", "Ahoy from {{ panel_name }}")

    rendered = render(find_template("core.test"), {})

    assert rendered.text == "Ahoy from muntin"
    assert "<html" in rendered.html


async def test_test_mail_says_that_it_arrived(admin: Caller, mail_server: Any) -> None:
    await _use(admin, mail_server)

    own = await admin.post(f"{SETTINGS}/email/test")
    other = await admin.post(f"{SETTINGS}/email/test", {"email": "eve@example.org"})

    assert (own.status, own.body) == (200, {"data": {"sent": True}})
    assert other.status == 200
    assert [message["To"] for message in mail_server.taken] == ["root@example.com", "eve@example.org"]
    assert await AuditRow.filter(event="mail.tested").count() == 2


async def test_test_mail_is_only_noted_where_delivery_is_the_log(admin: Caller) -> None:
    response = await admin.post(f"{SETTINGS}/email/test")

    assert (response.status, response.body) == (200, {"data": {"sent": False}})


async def test_test_mail_that_fails_says_why(admin: Caller, mail_server: Any) -> None:
    await _use(admin, mail_server)
    mail_server.answer = "451 come back later"

    response = await admin.post(f"{SETTINGS}/email/test", {"email": "eve@example.org"})

    error = response.body["error"]
    assert (response.status, error["code"]) == (502, "mail_failed")
    assert "come back later" in error["message"]


async def test_test_mail_wants_an_address(admin: Caller) -> None:
    response = await admin.post(f"{SETTINGS}/email/test", {"email": "nobody"})

    assert response.status == 422
    assert list(response.body["error"]["details"]) == ["email"]
