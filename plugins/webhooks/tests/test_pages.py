"""Pages of webhooks, as their owner and an administrator use them."""

from __future__ import annotations

import pytest

from muntin.app import PanelApp
from muntin.panel import Panel
from muntin.testing.accounts import Accounts
from muntin.testing.callers import People
from muntin.testing.visitors import Visitor
from muntin_webhooks.models import DeliveryRow, EndpointRow

from .conftest import event, record, replayed
from .receiving import Receiver, Said


@pytest.fixture
async def boss(account: Accounts) -> Visitor:
    """An administrator with a browser."""
    return await account.visitor("boss", role="administrator")


def typed(url: str, **more: str) -> dict[str, str]:
    return {"name": "Deployments", "to_url": url, "to_method": "POST", "to_headers": "X-Team: seven", "events": "*",
            "filters": "", "description": "", "timeout_s": "15", "is_enabled": "on", **more}  # fmt: skip


@pytest.mark.parametrize("base", ["/webhooks", "/admin/webhooks"])
async def test_webhook_is_made_tested_looked_at_changed_and_deleted(
    boss: Visitor, receiver: Receiver, clean: None, base: str
) -> None:
    made = await boss.post(f"{base}/new/http", typed(receiver.url))
    assert made.status == 200
    assert "whsec_" in made.text
    row = await EndpointRow.all().get()
    path = f"{base}/{row.id}"

    tested = await boss.post(f"{path}/test")
    shown = await boss.get(tested.path)
    assert "webhook.test" in shown.text
    assert "X-Team" in shown.text and "seven" not in shown.text
    assert receiver.received[0].headers["x-team"] == "seven"

    changed = await boss.post(f"{path}/edit", typed(receiver.url, name="Renamed", to_headers="X-Team: ********"))
    assert (changed.status, changed.path) == (303, path)
    await boss.post(f"{path}/test")
    assert receiver.received[1].headers["x-team"] == "seven"
    assert "Renamed" in (await boss.get(base)).text

    rotated = await boss.post(f"{path}/rotate")
    assert "whsec_" in rotated.text
    await boss.post(f"{path}/switch", {"on": "false"})
    assert not (await EndpointRow.get(id=row.id)).is_enabled
    delivery = await DeliveryRow.filter(endpoint_id=row.id).first()
    assert delivery is not None
    again = await boss.post(f"{path}/deliveries/{delivery.id}/redeliver")
    assert again.path == path
    assert (await boss.get(f"{path}/figures")).status == 200

    await boss.post(f"{path}/delete", {"confirm": "Other"})
    assert await EndpointRow.filter(id=row.id).exists()
    await boss.post(f"{path}/delete", {"confirm": "Renamed"})
    assert not await EndpointRow.filter(id=row.id).exists()


async def test_webhook_that_is_off_and_sent_nothing_says_no_figures_and_can_be_switched_on(
    boss: Visitor, receiver: Receiver, clean: None
) -> None:
    await boss.post("/webhooks/new/http", typed(receiver.url, is_enabled=""))
    row = await EndpointRow.get()
    reason = "The receiver answered `410`."
    await EndpointRow.filter(id=row.id).update(is_enabled=False, disabled_reason=reason)

    shown = await boss.get(f"/webhooks/{row.id}")
    await boss.post(f"/webhooks/{row.id}/switch", {"on": "true"})
    after = await boss.get(f"/webhooks/{row.id}")

    assert "The receiver answered <code>410</code>." in shown.html
    assert "0.0 %" not in shown.text and "0 ms" not in shown.text
    assert '<input type="hidden" name="on" value="true"><button class="btn btn-primary">' in shown.html
    assert "was switched off" not in after.text
    assert '<input type="hidden" name="on" value="true">' not in after.html


async def test_form_says_what_is_wrong_at_the_field(boss: Visitor, clean: None) -> None:
    refused = await boss.post("/admin/webhooks/new/http", typed("http://10.0.0.1/", events="Not A Type", filters="x"))
    again = await boss.post("/admin/webhooks/new/http", typed("http://10.0.0.1/"))

    assert (refused.status, again.status) == (422, 422)
    assert "one condition a line" in refused.text
    assert "not public" in again.text
    assert not await EndpointRow.all().exists()


async def test_form_offers_the_events_one_can_ask_for(boss: Visitor, clean: None) -> None:
    form = await boss.get("/admin/webhooks/new/http")

    assert '<option value="webhook.*">' in form.text and '<option value="webhook.created">' in form.text
    assert 'data-list="f-events-list"' in form.text


async def test_replay_of_a_window_is_asked_for_on_the_page(boss: Visitor, receiver: Receiver, clean: None) -> None:
    await boss.post("/admin/webhooks/new/http", typed(receiver.url, is_enabled=""))
    row = await EndpointRow.all().get()
    for _number in range(3):
        await record(event())

    done = await boss.post(f"/admin/webhooks/{row.id}/replay", {"since": "2020-01-01T00:00", "which": "undelivered"})
    wrong = await boss.post(f"/admin/webhooks/{row.id}/replay", {"since": "soon"})

    assert (done.status, wrong.status) == (303, 422)
    assert await replayed() == [3]
    assert await DeliveryRow.filter(endpoint_id=row.id, state="fresh").count() == 3


async def test_what_receivers_and_events_say_cannot_run_on_a_page(
    boss: Visitor, receiver: Receiver, clean: None
) -> None:
    hostile = "<script>alert(1)</script>"
    receiver.answer = lambda one: Said(500, body=hostile.encode())
    await boss.post("/admin/webhooks/new/http", typed(receiver.url, name=hostile, description=hostile))
    row = await EndpointRow.all().get()

    tested = await boss.post(f"/admin/webhooks/{row.id}/test")
    pages = [await boss.get(path) for path in (tested.path, f"/admin/webhooks/{row.id}", "/admin/webhooks", "/admin")]

    assert [page.status for page in pages] == [200] * 4
    assert [hostile in page.html for page in pages] == [False] * 4


async def test_pages_of_others_are_not_there(
    panel: Panel, people: People, app: PanelApp, account: Accounts, boss: Visitor, receiver: Receiver, clean: None
) -> None:
    await boss.post("/webhooks/new/http", typed(receiver.url))
    await boss.post("/admin/webhooks/new/http", typed(receiver.url))
    own, panelwide = [str(row.id) for row in await EndpointRow.all().order_by("created_at")]
    other = await account.visitor("other")

    paths = [f"/webhooks/{own}", f"/webhooks/{panelwide}", "/admin/webhooks", f"/admin/webhooks/{panelwide}"]
    statuses = [(await other.get(path)).status for path in paths]
    crossed = [(await boss.get(path)).status for path in (f"/admin/webhooks/{own}", f"/webhooks/{panelwide}")]

    assert [status in (403, 404) for status in statuses] == [True] * 4
    assert crossed == [404, 404]
