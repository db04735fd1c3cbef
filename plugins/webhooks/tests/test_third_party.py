"""Another plugin's destination, its events, and with whom it shares what they tell of."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from muntin.events import EventEnvelope
from muntin.jobs.testing import FakeClock
from muntin.panel import Panel
from muntin.plugins.states import disable_plugin, enable_plugin
from muntin.testing.callers import Caller, People
from muntin.testing.waiting import until
from muntin_webhooks.models import DeliveryRow, EndpointRow

from .conftest import SYSTEM, all_over, all_tried, event, make_webhook, record, replayed, sending, state_counts
from .receiving import Receiver, Said

HERE = Path(__file__).parent / "pigeons"
OWN = "/api/v1/webhooks"
RING = "ring-4711"
METADATA = "Metadata-Version: 2.1\nName: muntin-pigeons\nVersion: 1.0\nRequires-Dist: muntin-webhooks\n"


@pytest.fixture(scope="module")
def panel_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[str]]:
    """Webhooks, and a plugin that builds on it, installed as pip would."""
    described = tmp_path_factory.mktemp("site") / "muntin_pigeons-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(METADATA)
    (described / "entry_points.txt").write_text("[muntin.plugins]\npigeons = muntin_pigeons.plugin\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(described.parent))
        patch.syspath_prepend(str(HERE))
        yield ("pigeons", "webhooks")
    for name in [one for one in sys.modules if one.split(".")[0] == "muntin_pigeons"]:
        del sys.modules[name]


@pytest.fixture
def shared(panel: Panel) -> Iterator[dict[str, set[UUID]]]:
    """With whom pigeons are shared."""
    from muntin_pigeons.plugin import SHARED  # type: ignore[import-not-found]  # installed by the fixture above

    yield SHARED
    SHARED.clear()


async def make_loft(admin: Caller, receiver: Receiver) -> dict[str, object]:
    return await make_webhook(admin, receiver.url, type="pigeon", config={"ring": RING})


def flown(owner: Caller, pigeon_id: UUID, sequence: int = 1) -> EventEnvelope:
    payload = {"pigeon_id": str(pigeon_id), "owner_id": str(owner.account_id)}
    return event("pigeon.flown", resource_id=str(pigeon_id), sequence=sequence, payload=payload)


async def test_destination_of_another_plugin_writes_and_judges_what_is_sent(
    admin: Caller, receiver: Receiver, clean: None
) -> None:
    hook = await make_loft(admin, receiver)
    receiver.answer = lambda one: Said(418, body=b"coo")

    async with sending():
        await record(event("server.started", sequence=3))
        await all_over()

    [one] = receiver.received
    assert (one.method, one.headers["x-feathers"]) == ("PUT", "grey")
    assert one.json == {"ring": RING, "says": "server.started at muntin", "no": 3}
    assert await state_counts(hook["id"]) == {"success": 1}


async def test_its_address_is_shown_its_secret_is_not_and_its_kind_is_offered(
    admin: Caller, receiver: Receiver, clean: None
) -> None:
    hook = await make_loft(admin, receiver)
    plain = await make_webhook(admin, receiver.url)

    shown = (await admin.get(f"/api/v1/admin/webhooks/{hook['id']}")).data

    assert (shown["type"], shown["url"], shown["config"]["ring"]) == ("pigeon", receiver.url, "********")
    assert RING not in (await EndpointRow.get(id=hook["id"])).config
    assert plain["config"]["method"] == "POST"  # `http` is still ours


async def test_its_address_is_guarded_like_any_other(admin: Caller, clean: None, fake_clock: FakeClock) -> None:
    hook = await make_webhook(admin, "http://10.0.0.1/", type="pigeon", config={"ring": RING})

    async with sending() as sender:
        await record(event())
        await all_tried(sender)

    row = await DeliveryRow.get(endpoint_id=hook["id"])
    assert (row.state, row.error) == ("retry", "The panel does not send requests to addresses that are not public.")


async def test_its_failure_costs_one_attempt_and_nobody_else_anything(
    admin: Caller, receiver: Receiver, clean: None, fake_clock: FakeClock
) -> None:
    loft, plain = await make_loft(admin, receiver), await make_webhook(admin, receiver.url)
    receiver.answer = lambda one: Said(body=b"coo")

    async with sending() as sender:
        await record(event(payload={"heavy": True}))
        await record(event(payload={}))
        await all_tried(sender)

    assert await state_counts(loft["id"]) == {"retry": 1, "success": 1}
    assert await state_counts(plain["id"]) == {"success": 2}


async def test_what_waits_for_it_waits_while_its_plugin_is_disabled(
    panel: Panel, admin: Caller, receiver: Receiver, clean: None
) -> None:
    hook = await make_loft(admin, receiver)
    receiver.answer = lambda one: Said(body=b"coo")

    await disable_plugin(SYSTEM, "pigeons")
    async with sending() as sender:
        await record(event())
        await until(lambda: bool(sender.paused))
        shown = (await admin.get(f"/api/v1/admin/webhooks/{hook['id']}")).data
        tested = await admin.post(f"/api/v1/admin/webhooks/{hook['id']}/test")
        waiting = await state_counts(hook["id"])
    await enable_plugin(SYSTEM, "pigeons")
    async with sending():
        await all_over()

    assert (shown["type"], shown["url"], tested.code) == ("pigeon", "", "webhook_destination_missing")
    assert waiting == {"fresh": 1}
    assert await state_counts(hook["id"]) == {"success": 1}


async def test_account_hears_of_what_is_shared_with_it_as_long_as_it_is(
    people: People, user: Caller, shared: dict[str, set[UUID]], clean: None
) -> None:
    friend, pigeon_id = await people.sign_in("friend"), uuid4()
    mine, theirs = (
        await make_webhook(user, "https://example.com/a", OWN),
        await make_webhook(friend, "https://example.com/b", OWN),
    )

    await record(flown(user, pigeon_id, 1))
    shared[str(pigeon_id)] = {friend.account_id}
    await record(flown(user, pigeon_id, 2))
    shared.clear()
    await record(flown(user, pigeon_id, 3))

    assert await state_counts(mine["id"]) == {"fresh": 3}
    assert await state_counts(theirs["id"]) == {"fresh": 1}


async def test_what_is_no_longer_shared_is_not_sent_later_nor_replayed(
    people: People, user: Caller, receiver: Receiver, shared: dict[str, set[UUID]], clean: None
) -> None:
    friend, pigeon_id = await people.sign_in("late friend"), uuid4()
    hook = await make_webhook(friend, receiver.url, OWN)
    shared[str(pigeon_id)] = {friend.account_id}
    await record(flown(user, pigeon_id))
    shared.clear()

    async with sending():
        await all_over()
    ordered = await friend.post(f"{OWN}/{hook['id']}/replay", {"since": "2020-01-01T00:00:00Z"})

    row = await DeliveryRow.get(endpoint_id=hook["id"])
    told = "What happened is no longer shared with the webhook's account."
    assert (receiver.received, row.state, row.error) == ([], "failed", told)
    assert (ordered.status, await replayed()) == (202, [0])
    assert (await friend.get(f"{OWN}/deliveries/{row.id}/data")).status == 404


async def test_plugin_that_cannot_tell_with_whom_something_is_shared_keeps_nobody_else_waiting(
    people: People, user: Caller, clean: None
) -> None:
    friend = await people.sign_in("other friend")
    mine, theirs = (
        await make_webhook(user, "https://example.com/a", OWN),
        await make_webhook(friend, "https://example.com/b", OWN),
    )

    payload = {"pigeon_id": "lost", "owner_id": str(user.account_id)}
    await record(event("pigeon.flown", resource_id="lost", payload=payload))

    assert (await state_counts(mine["id"]), await state_counts(theirs["id"])) == ({"fresh": 1}, {})
