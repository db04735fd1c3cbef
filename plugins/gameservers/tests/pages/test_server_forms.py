"""The forms of one server: what they store, and that what was typed stays where it was wrong."""

from __future__ import annotations

from muntin_gameservers.models import AllocationRow, ServerRow

from .conftest import ENVIRONMENT, Made, Visitor


async def test_startup_is_saved_and_says_when_it_counts(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id)

    shown = await owner.post(
        f"/servers/{server.id}/startup", {"environment.SLOTS": "12", "image": "example.test/echo:1"}
    )

    assert (shown.status, shown.path) == (303, f"/servers/{server.id}/startup")
    assert "the next time" in (await owner.follow(shown)).text
    stored = await ServerRow.get(id=server.id)
    assert stored.environment == {**ENVIRONMENT, "SLOTS": "12", "NIGHT": "0"}  # the switch was not sent: it is off
    assert stored.image == "example.test/echo:1"


async def test_a_switch_is_turned_on_in_the_words_of_its_rules(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id, environment={**ENVIRONMENT, "NIGHT": "0"})

    await owner.post(f"/servers/{server.id}/startup", {"environment.NIGHT": "true"})

    assert (await ServerRow.get(id=server.id)).environment["NIGHT"] == "1"


async def test_a_broken_value_stays_typed_and_is_named_at_its_field(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id)

    shown = await owner.post(f"/servers/{server.id}/startup", {"environment.SLOTS": "900", "environment.NIGHT": "true"})

    assert shown.status == 422
    assert 'name="environment.SLOTS" value="900"' in shown.text
    assert 'id="f-environment-SLOTS-error"' in shown.text
    assert (await ServerRow.get(id=server.id)).environment == ENVIRONMENT


async def test_variables_that_owners_may_not_see_are_nowhere(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id)

    shown = await owner.get(f"/servers/{server.id}/startup")

    assert "LICENCE" not in shown.text and "environment.SLOTS" in shown.text


async def test_a_friend_who_may_only_read_gets_no_button(made: Made, owner: Visitor, friend: Visitor) -> None:
    server = await made.server(owner.account_id)
    await made.share(server, friend, "startup.read")

    shown = await friend.get(f"/servers/{server.id}/startup")
    sent = await friend.post(f"/servers/{server.id}/startup", {"environment.SLOTS": "9"})

    assert f'action="/servers/{server.id}/startup"' not in shown.text
    assert sent.status == 403


async def test_a_server_is_renamed_and_an_empty_name_refused(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    path = f"/servers/{server.id}/settings"

    refused = await owner.post(path, {"name": " ", "description": "Kept while the name is wrong"})
    saved = await owner.post(path, {"name": "Lobby <1>", "description": ""})

    assert (refused.status, "Kept while the name is wrong" in refused.text) == (422, True)
    assert (saved.status, saved.path) == (303, path)
    stored = await ServerRow.get(id=server.id)
    assert stored.name == "Lobby <1>"
    assert stored.description is None


async def test_ports_are_added_up_to_the_limit_and_given_back(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id, allocations_limit=2)
    free = await made.port(await server.node)
    path = f"/servers/{server.id}/network"

    added = await owner.post(path)
    refused = await owner.follow(await owner.post(path))
    noted = await owner.post(f"{path}/{free.id}/notes", {"notes": "voice"})
    await owner.post(f"{path}/{free.id}/primary")
    kept = await owner.follow(await owner.post(f"{path}/{free.id}/remove"))
    removed = await owner.post(f"{path}/{server.allocation_id}/remove")

    assert [one.status for one in (added, noted, removed)] == [303, 303, 303]
    assert "may have no more addresses" in refused.text and "2 of 2 ports used" in refused.text
    assert "cannot be removed" in kept.text and "voice" in kept.text
    assert await AllocationRow.filter(server_id=server.id).values_list("id", "notes") == [(free.id, "voice")]


async def test_reinstalling_asks_for_the_name(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    path = f"/servers/{server.id}/reinstall"

    refused = await owner.follow(await owner.post(path, {"confirm": "something else"}))
    before = (await ServerRow.get(id=server.id)).stage
    done = await owner.post(path, {"confirm": server.name, "wipe": "true"})

    assert "m-notice-danger" in refused.text
    assert (before, done.path) == ("ready", f"/servers/{server.id}")
    assert (await ServerRow.get(id=server.id)).stage == "installing"


async def test_a_failed_install_says_why_and_is_tried_again(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id, stage="install_failed", problem="curl: (6) no such host")

    shown = await owner.get(f"/servers/{server.id}")
    done = await owner.post(f"/servers/{server.id}/retry")

    assert "curl: (6) no such host" in shown.text and f'action="/servers/{server.id}/retry"' in shown.text
    assert done.status == 303
    assert (await ServerRow.get(id=server.id)).stage == "installing"


async def test_a_suspended_server_is_explained_and_offers_nothing(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id, is_suspended=True, suspension_reason="Invoice 7 is open.")

    first = await owner.get(f"/servers/{server.id}")
    network = await owner.get(f"/servers/{server.id}/network")
    startup = await owner.get(f"/servers/{server.id}/startup")

    assert "This server is suspended" in first.text and "Invoice 7 is open." in first.text
    assert "<muntin-console" not in first.text and "data-power" not in first.text
    assert "Add a port" not in network.text
    assert f'action="/servers/{server.id}/startup"' not in startup.text


async def test_power_without_scripts_says_what_went_wrong(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id, stage="installing")

    shown = await owner.post(f"/servers/{server.id}/power", {"action": "start"})

    assert (shown.status, shown.path) == (303, f"/servers/{server.id}")
    assert "The server is busy" in (await owner.follow(shown)).text


async def test_activity_is_told_in_sentences(made: Made, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    await owner.post(f"/servers/{server.id}/startup", {"environment.SLOTS": "12", "environment.NIGHT": "true"})

    shown = await owner.get(f"/servers/{server.id}/activity")

    assert "Changed the startup: SLOTS" in shown.text and "owner" in shown.text


async def test_a_ticket_is_issued_to_those_who_may_read_the_console(
    made: Made, owner: Visitor, friend: Visitor
) -> None:
    server = await made.server(owner.account_id)
    await made.share(server, friend)

    given = await owner.post(f"/servers/{server.id}/ws-ticket")
    refused = await friend.post(f"/servers/{server.id}/ws-ticket")

    assert (given.status, given.headers["Content-Type"]) == (200, "application/json")
    assert refused.status == 403
