"""Webhooks in a real browser: made, tested, looked at; no page complains."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from muntin.testing.browsing import Watched, chromium, findings, sign_in
from muntin.testing.served import EMAIL, ServedPanel, served_panel

from .receiving import Receiver

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[ServedPanel]:
    """A panel in processes of its own that may send to this machine."""
    async with served_panel(tmp_path / "data", {"MUNTIN_PLUGINS": "webhooks"}) as panel:
        settings = {"outgoing": {"allowed_networks": ["127.0.0.0/8"]}, "webhooks": {"plain_http": True}}
        (await panel.client.put("/api/v1/admin/settings", json=settings)).raise_for_status()
        yield panel


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless browser."""
    async with chromium() as browser:
        yield browser


async def test_webhook_is_made_tested_and_looked_at(served: ServedPanel, browser: Browser, receiver: Receiver) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await sign_in(page, served.url, EMAIL, served.password)
    watched, found = Watched(page, served.url), {}

    await watched.open("/admin/webhooks")
    found["empty"] = await findings(page)
    await page.goto(f"{served.url}/admin/webhooks/new/http")
    found["form"] = await findings(page)
    await page.locator('input[name="name"]').fill("Deployments")
    await page.locator('input[name="to_url"]').fill(receiver.url)
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#secret")).to_contain_text("whsec_")
    found["secret"] = await findings(page)
    await page.get_by_role("link", name="I have kept it").click()
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.locator("h1")).to_contain_text("webhook.test")
    await expect(page.locator("#request-body")).to_contain_text('"test":true')
    found["delivery"] = await findings(page)
    await page.get_by_role("link", name="Deployments").first.click()
    await expect(page.locator(".uplot canvas")).to_have_count(1)
    await expect(page.locator("table")).to_contain_text("webhook.test")
    found["webhook"] = await findings(page)
    await page.goto(f"{served.url}/admin/webhooks")
    await expect(page.locator("table")).to_contain_text("Deployments")
    found["list"] = await findings(page)
    await page.goto(f"{served.url}/admin")
    found["overview"] = await findings(page)
    await context.close()

    assert {"webhook.created", "webhook.test"} <= {one.headers["x-webhook-event"] for one in receiver.received}
    assert found == {name: [] for name in found}
    assert watched.problems == []
