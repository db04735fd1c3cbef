"""Secrets that pass through the panel stay out of its logs, audit rows, events and mails at rest."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from muntin.accounts.models import AccountRow, ApiKeyRow, OneTimeTokenRow, SessionRow
from muntin.audit.models import AuditRow
from muntin.events.models import OutboxRow
from muntin.mail.models import MailRow

PASSWORD = "correct horse battery"
NEW = "canary-new-password"


async def test_secrets_leave_no_trace(ada: Any, stranger: Any, mails: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    key = (await ada.post("/api/v1/account/api-keys", {"description": "x"})).data["token"]
    setup = (await ada.post("/api/v1/account/two-factor/setup", {"password": PASSWORD})).data
    await ada.put("/api/v1/account/password", {"current_password": PASSWORD, "password": NEW})
    await stranger.post("/api/v1/auth/login", {"email": "ada", "password": "canary-wrong-password"})
    pair = (await stranger.post("/api/v1/auth/login", {"email": "ada", "password": NEW})).data
    await stranger.post("/api/v1/auth/refresh", {"refresh_token": pair["refresh_token"]})
    await stranger.post("/api/v1/auth/forgot-password", {"email": "ada@example.com"})
    link = (await mails())[-1].token

    rows = [
        vars(row)
        for table in (AccountRow, ApiKeyRow, OneTimeTokenRow, SessionRow, AuditRow, OutboxRow, MailRow)
        for row in await table.all()
    ]
    seen = str(rows) + caplog.text
    secrets = (PASSWORD, NEW, "canary", key, setup["secret"], pair["access_token"], pair["refresh_token"], link)
    assert [secret for secret in secrets if secret in seen] == []
