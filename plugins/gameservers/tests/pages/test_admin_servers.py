"""Administrators' pages of servers and ports."""

from __future__ import annotations

from muntin_gameservers.models import AllocationRow, ServerRow

from .conftest import ENVIRONMENT, Made, Visitor


async def test_the_form_shows_the_variables_of_the_chosen_egg_and_the_ports_of_the_chosen_node(
    made: Made, boss: Visitor
) -> None:
    egg, node = await made.egg(), await made.node()
    port = await made.port(node)

    empty = await boss.get("/admin/servers/new")
    shown = await boss.get(f"/admin/servers/new?egg_id={egg.id}&node_id={node.id}")
    nonsense = await boss.get("/admin/servers/new?egg_id=x&node_id=y")

    assert "environment.SLOTS" not in empty.text
    assert all(f"environment.{name}" in shown.text for name in ENVIRONMENT)
    assert f'value="{port.id}"' in shown.text
    assert nonsense.status == 200


async def test_a_server_is_created_with_what_was_typed(made: Made, boss: Visitor, owner: Visitor) -> None:
    egg, node = await made.egg(), await made.node()
    await made.port(node)
    port = await made.port(node)
    fields = {
        "name": "lobby",
        "user_id": owner.account_id,
        "egg_id": egg.id,
        "shown_egg_id": egg.id,
        "image": "example.test/echo:1",
        "environment.SLOTS": "32",
        "environment.MAP": "dm2",
        "node_id": node.id,
        "allocation_id": port.id,
        "memory": "2048",
        "disk": "4096",
        "cpu": "150",
        "swap": "0",
        "allocations_limit": "2",
        "databases_limit": "1",
        "backups_limit": "3",
    }

    shown = await boss.post("/admin/servers/new", fields)

    row = await ServerRow.get(owner_id=owner.account_id, name="lobby")
    assert (shown.status, shown.path) == (303, f"/servers/{row.id}")
    assert (row.memory_mib, row.disk_mib, row.cpu_percent, row.backups_limit) == (2048, 4096, 150, 3)
    assert (row.allocation_id, row.image) == (port.id, "example.test/echo:1")
    assert row.environment == {"SLOTS": "32", "MAP": "dm2", "NIGHT": "0", "LICENCE": "abc"}


async def test_an_egg_chosen_without_scripts_brings_its_defaults(made: Made, boss: Visitor) -> None:
    egg, node = await made.egg(), await made.node()
    await made.port(node)
    fields = {"name": "plain", "user_id": boss.account_id, "egg_id": egg.id, "node_id": node.id, "memory": "1024"}

    shown = await boss.post("/admin/servers/new", fields)

    assert shown.status == 303
    assert (await ServerRow.get(name="plain")).environment == ENVIRONMENT


async def test_wrong_fields_are_named_and_everything_typed_stays(made: Made, boss: Visitor) -> None:
    egg, node = await made.egg(), await made.node()
    fields = {
        "name": "kept name",
        "user_id": boss.account_id,
        "egg_id": egg.id,
        "shown_egg_id": egg.id,
        "environment.SLOTS": "999",
        "environment.MAP": "kept map",
        "environment.NIGHT": "true",
        "node_id": node.id,
        "memory": "1024",
    }

    shown = await boss.post("/admin/servers/new", fields)
    missing = await boss.post("/admin/servers/new", fields | {"memory": "", "name": ""})

    assert (shown.status, missing.status) == (422, 422)
    assert all(f'value="{text}"' in shown.text for text in ("kept name", "999", "kept map"))
    assert 'id="f-environment-SLOTS-error"' in shown.text
    assert 'id="f-memory-error"' in missing.text and 'id="f-name-error"' in missing.text


async def test_no_room_is_said_above_the_form(made: Made, boss: Visitor) -> None:
    egg, node = await made.egg(), await made.node(memory_mib=512)
    await made.port(node)
    fields = {"name": "big", "user_id": boss.account_id, "egg_id": egg.id, "node_id": node.id, "memory": "99999"}

    shown = await boss.post("/admin/servers/new", fields)

    assert shown.status == 422
    assert "No node has enough free memory" in shown.text


async def test_limits_and_owner_are_changed(made: Made, boss: Visitor, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    path = f"/admin/servers/{server.id}"
    fields = {"name": "renamed", "user_id": boss.account_id, "description": "", "external_id": "", "memory": "768",
              "disk": "1024", "cpu": "0", "swap": "-1", "io": "500", "allocations_limit": "1", "databases_limit": "0",
              "backups_limit": "0"}  # fmt: skip

    saved = await boss.post(path, fields)
    refused = await boss.post(path, fields | {"io": "5", "name": "still here"})

    row = await ServerRow.get(id=server.id)
    assert (saved.status, row.name, row.memory_mib, row.swap_mib) == (303, "renamed", 768, -1)
    assert row.owner_id == boss.account_id
    assert refused.status == 422 and 'value="still here"' in refused.text and 'id="f-io-error"' in refused.text


async def test_the_game_is_changed_and_hidden_variables_too(made: Made, boss: Visitor, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    path = f"/admin/servers/{server.id}/game"
    fields = {"egg_id": server.egg_id, "image": "example.test/own:1", "startup": "./echo", "environment.LICENCE": "xyz",
              "environment.SLOTS": "4", "environment.MAP": "dm1", "environment.NIGHT": "true"}  # fmt: skip

    saved = await boss.post(path, fields)
    refused = await boss.post(path, fields | {"environment.SLOTS": "many"})

    row = await ServerRow.get(id=server.id)
    assert (saved.status, row.image, row.startup) == (303, "example.test/own:1", "./echo")
    assert row.environment == {"SLOTS": "4", "MAP": "dm1", "NIGHT": "1", "LICENCE": "xyz"}
    assert refused.status == 422 and 'id="g-environment-SLOTS-error"' in refused.text


async def test_another_egg_brings_its_own_command_and_image(made: Made, boss: Visitor, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    egg = await made.egg(startup="./other", docker_images={"Other": "example.test/other:9"})

    saved = await boss.post(f"/admin/servers/{server.id}/game", {"egg_id": egg.id, "startup": "./echo"})

    row = await ServerRow.get(id=server.id)
    assert (saved.status, row.egg_id, row.startup, row.image) == (303, egg.id, "./other", "example.test/other:9")


async def test_a_server_is_suspended_with_a_reason_and_let_go(made: Made, boss: Visitor, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    path = f"/admin/servers/{server.id}"

    await boss.post(f"{path}/suspend", {"reason": "Too loud"})
    suspended = await ServerRow.get(id=server.id)
    await boss.post(f"{path}/unsuspend")

    assert (suspended.is_suspended, suspended.suspension_reason) == (True, "Too loud")
    assert not (await ServerRow.get(id=server.id)).is_suspended


async def test_chosen_servers_are_suspended_together(made: Made, boss: Visitor, owner: Visitor) -> None:
    chosen = [await made.server(owner.account_id), await made.server(owner.account_id)]
    spared = await made.server(owner.account_id)

    shown = await boss.post("/admin/servers/suspend", {"ids": [*(one.id for one in chosen), "nonsense"]})

    assert "2 servers are suspended" in (await boss.follow(shown)).text
    assert await ServerRow.filter(id__in=[one.id for one in chosen], is_suspended=True).count() == 2
    assert not (await ServerRow.get(id=spared.id)).is_suspended


async def test_deleting_asks_for_the_name_and_tells_that_the_node_is_away(
    made: Made, boss: Visitor, owner: Visitor
) -> None:
    server = await made.server(owner.account_id)
    path = f"/admin/servers/{server.id}/delete"

    unnamed = await boss.post(path, {"confirm": "x"})
    there = await ServerRow.exists(id=server.id)
    forced = await boss.post(path, {"confirm": server.name, "force": "true"})

    assert (unnamed.path, there) == (f"/admin/servers/{server.id}", True)
    assert forced.path == "/admin/servers"
    assert not await ServerRow.exists(id=server.id)
    assert server.name in (await boss.follow(forced)).text


async def test_ports_are_added_once_and_the_list_says_who_has_them(made: Made, boss: Visitor, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    path = f"/admin/nodes/{server.node_id}/ports"

    added = await boss.follow(await boss.post(path, {"ip": "192.0.2.7", "ports": "27015-27017, 28000", "alias": ""}))
    again = await boss.post(path, {"ip": "192.0.2.7", "ports": "28000", "alias": ""})
    wrong = await boss.post(path, {"ip": "nowhere", "ports": "99999", "alias": "play.example"})

    assert "4 ports are added" in added.text and server.name in added.text
    assert again.status == 422 and "all of these addresses already" in again.text
    assert wrong.status == 422 and 'value="nowhere"' in wrong.text and 'value="play.example"' in wrong.text
    assert 'id="f-ip-error"' in wrong.text and 'id="f-ports-error"' in wrong.text
    free = await boss.get(f"{path}?use=free")
    assert "27016" in free.text and server.name not in free.text


async def test_a_port_in_use_is_not_deleted(made: Made, boss: Visitor, owner: Visitor) -> None:
    server = await made.server(owner.account_id)
    free = await made.port(await server.node)
    path = f"/admin/nodes/{server.node_id}/ports"

    refused = await boss.follow(await boss.post(f"{path}/{server.allocation_id}/delete"))
    await boss.post(f"{path}/{free.id}/delete")

    assert "A server uses this address" in refused.text
    assert await AllocationRow.filter(node_id=server.node_id).values_list("id", flat=True) == [server.allocation_id]
