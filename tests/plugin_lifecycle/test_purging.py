"""After a purge nothing of a plugin is left, and everything of others is; nodes that are away are asked when back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from muntin.access import Actor
from muntin.accounts.models import ApiKeyRow
from muntin.audit.models import AuditRow
from muntin.bus.exact_limits import hit_exactly
from muntin.database import database_dialect, execute, fetch_all, read_json
from muntin.events.models import DeadLetter, Lane, OutboxRow, ResourceSequence, Subscriber
from muntin.jobs.dbos_journal import DbosJournal
from muntin.jobs.ledger import workflow_id
from muntin.jobs.models import CronRow, JobRow
from muntin.mail.models import MailRow
from muntin.nodes.credentials import new_token, new_token_id, seal
from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin.plugins.files import plugin_folder
from muntin.plugins.footprint import Footprint
from muntin.plugins.installing.service import purge_plugin
from muntin.plugins.models import HalfRemovalRow, PluginRow
from muntin.plugins.node_removal import remove_halves
from muntin.plugins.purging import StillReferred, remains_of
from muntin.roles.models import USER_ID, OfferedPermissionRow, RoleRow
from muntin.settings.models import SettingRow
from muntin.testing.callers import Caller
from muntin.testing.waiting import until

from .remains import rows_with

pytestmark = pytest.mark.usefixtures("panel")
SYSTEM = Actor.system()
JSON = {"sqlite": "JSON", "postgres": "JSONB"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FOOTPRINT = Footprint(
    tables=("notes_note",),
    permissions=("notes.read", "notes.write"),
    settings=("notes",),
    events=("note.written",),
    resources=("note",),
    subscribers=("notes.hear",),
    jobs=("notes.tidy",),
    crons=("notes.often",),
    mails=("notes.welcome",),
    halves=("notes",),
)


async def leave_traces(plugin: str, resource: str, permission: str, account_id: object) -> None:
    """What a plugin leaves everywhere."""
    await SettingRow.create(section=plugin, values={"greeting": "hello"})
    await JobRow.create(name=f"{plugin}.tidy", plugin=plugin, arguments={}, due_at_ms=0)
    await CronRow.create(name=f"{plugin}.often", fired_at_ms=0)
    await MailRow.create(template=f"{plugin}.welcome", to_address="a@example.com")
    await OfferedPermissionRow.create(key=permission)
    await ApiKeyRow.create(
        account_id=account_id, description=plugin, prefix="bp_", token_hash=plugin,
        permissions=["account.read", permission, f"{plugin}.*"],
    )  # fmt: skip
    await AuditRow.create(event=f"{resource}.written", actor_type="system", subject_type=resource, subject_id="1")
    await AuditRow.create(event="plugin.enabled", actor_type="system", subject_type="plugin", subject_id=plugin)
    await AuditRow.create(event="settings.changed", actor_type="system", subject_type="settings", subject_id=plugin)
    await Subscriber.create(name=f"{plugin}.hear", plugin=plugin, event_types=["*"])
    about: dict[str, Any] = {"resource_type": resource, "resource_id": "1"}
    event = await OutboxRow.create(
        type=f"{resource}.written", version=1, sequence=1, payload={}, occurred_at=NOW, **about
    )
    await ResourceSequence.create(newest=1, **about)
    await Lane.create(subscriber=f"{plugin}.hear", position=0, upto=1, **about)
    await DeadLetter.create(subscriber=f"{plugin}.hear", event_id=event.id, attempts=3, error="no")
    plugin_folder(plugin).joinpath("kept").write_text("x")


async def test_nothing_is_left_of_a_purged_plugin_and_all_of_its_neighbour(panel: Panel, user: Caller) -> None:
    await leave_traces("notes", "note", "notes.write", user.account_id)
    await leave_traces("notes_extra", "extra", "notes_extra.write", user.account_id)
    await execute("CREATE TABLE notes_note (id INT)")
    await execute("CREATE TABLE notes_extra_item (id INT)")
    await PluginRow.create(name="notes", version="1.0", footprint=FOOTPRINT.to_json())
    extra = Footprint(permissions=("notes_extra.write",), events=("extra.written",), resources=("extra",))
    await PluginRow.create(name="notes_extra", version="1.0", footprint=extra.to_json())
    role = await RoleRow.get(id=USER_ID)
    held = [*role.permissions, "notes.*", "notes.write", "notes_extra.write"]
    await RoleRow.filter(id=USER_ID).update(permissions=held)
    before = await remains_of("notes", FOOTPRINT)

    await purge_plugin(SYSTEM, "notes")

    assert {kind: count for kind, count in before.items() if kind not in ("nodes", "migrations") and not count} == {}
    assert {kind: count for kind, count in (await remains_of("notes", FOOTPRINT)).items() if count} == {}
    assert not (panel.configuration.data_dir / "plugins" / "data" / "notes").exists()
    assert (await RoleRow.get(id=USER_ID)).permissions == [*role.permissions, "notes_extra.write"]
    left = await remains_of("notes_extra", extra)
    assert {kind: left[kind] for kind in ("tables", "plugins", "jobs", "crons", "subscribers", "lanes", "events")} == {
        "tables": 1, "plugins": 1, "jobs": 1, "crons": 1, "subscribers": 1, "lanes": 1, "events": 1,
    }  # fmt: skip
    keys = {one.description: one.permissions for one in await ApiKeyRow.all()}
    assert keys["notes"] == ["account.read"]
    assert keys["notes_extra"] == ["account.read", "notes_extra.write", "notes_extra.*"]
    assert await AuditRow.filter(event="plugin.purged", subject_type="panel").count() == 1
    assert (panel.configuration.data_dir / "plugins" / "data" / "notes_extra" / "kept").exists()


async def test_tables_that_rows_of_others_point_to_are_not_dropped() -> None:
    await execute("CREATE TABLE pads_pad (id INT PRIMARY KEY)")
    await execute("CREATE TABLE other_leaf (pad_id INT REFERENCES pads_pad (id))")
    await PluginRow.create(name="pads", version="1.0")

    with pytest.raises(StillReferred) as refused:
        await purge_plugin(SYSTEM, "pads")

    assert refused.value.message == "The tables other_leaf point to tables of pads; purge their plugins first."
    assert (await remains_of("pads", Footprint()))["tables"] == 1
    await execute("DROP TABLE other_leaf")
    await purge_plugin(SYSTEM, "pads")
    assert (await remains_of("pads", Footprint()))["tables"] == 0


async def test_footprint_never_reaches_tables_of_others() -> None:
    greedy = Footprint(tables=("core_account", "greedy_own"))
    await execute("CREATE TABLE greedy_own (id INT)")
    await PluginRow.create(name="greedy", version="1.0", footprint=greedy.to_json())

    await purge_plugin(SYSTEM, "greedy")

    assert (await remains_of("greedy", greedy))["tables"] == 0
    await RoleRow.all().count()
    await ApiKeyRow.all().count()


async def test_word_of_a_purged_plugin_is_found_in_no_column_of_any_table(panel: Panel, user: Caller) -> None:
    await leave_traces("quilt", "patch", "quilt.sew", user.account_id)
    await execute("CREATE TABLE quilt_patch (id INT)")
    await execute(f"CREATE TABLE others_share (id INT PRIMARY KEY, permissions {JSON[database_dialect()]})")
    held = ["quilt.sew", "others.read", "quilt.*"]
    await execute("INSERT INTO others_share (id, permissions) VALUES (1, ?)", [json.dumps(held)])
    system: dict[str, Any] = {"actor_type": "system", "subject_id": "1"}
    for told in ({"name": "quilt.tidy"}, {"subscriber": "quilt.hear", "type": "user.created"}):
        subject = "job" if "name" in told else "event"
        await AuditRow.create(event=f"{subject}.retried", subject_type=subject, properties=told, **system)
    await AuditRow.create(event="odd.done", subject_type="odd", plugin="quilt", properties={"by": "quilt"}, **system)
    footprint = Footprint(permissions=("quilt.sew",), settings=("quilt",), events=("patch.written",),
                          resources=("patch",), crons=("quilt.often",))  # fmt: skip
    await PluginRow.create(name="quilt", version="1.0", footprint=footprint.to_json())
    await hit_exactly("quilt.patches:1", limit=1, window_s=60)
    await ApiKeyRow.filter(description="quilt").update(description="mine", token_hash="mine")
    before = await rows_with("quilt")

    await purge_plugin(SYSTEM, "quilt")

    assert set(before) >= {
        "core_api_key", "core_audit", "core_cron", "core_dead_letter", "core_delivery_lane", "core_job", "core_limit",
        "core_mail",
        "core_offered_permission", "core_plugin", "core_setting", "core_subscriber", "others_share",
        "quilt_patch",
    }  # fmt: skip
    assert await rows_with("quilt") == {"core_audit": 1}  # who purged it
    assert await rows_with("patch") == {}
    assert await AuditRow.filter(subject_type="odd").count() == 0
    [row] = await fetch_all("SELECT permissions FROM others_share")
    assert read_json(row["permissions"]) == ["others.read"]
    await execute("DROP TABLE others_share")


async def test_journal_forgets_the_runs_of_a_purged_plugin_and_of_nobody_else(panel: Panel) -> None:
    configuration = panel.configuration
    await PluginRow.create(name="quilt", version="1.0")
    values: dict[str, Any] = {"arguments": {}, "due_at_ms": 0, "state": "done"}
    its = [await JobRow.create(name="quilt.tidy", plugin="quilt", run=run, **values) for run in (1, 2)]
    other = await JobRow.create(name="core.tidy", plugin="core", **values)
    ran: list[UUID] = []

    async def body(job: UUID, run: int) -> None:
        ran.append(job)

    journal = DbosJournal("tests", store_url=configuration.store_url, data_dir=configuration.data_dir)
    await journal.open(body)
    try:
        runs = [workflow_id(row) for row in (*its, other)]
        for run, row in zip(runs, (*its, other), strict=True):
            await journal.start(run, row.id, row.run, is_known=False)

        async def over() -> bool:
            return [one.is_over for one in (await journal.statuses(runs)).values()] == [True] * len(runs)

        await until(over, timeout_s=60)
        await purge_plugin(SYSTEM, "quilt")

        assert sorted(ran) == sorted(row.id for row in (*its, other))
        assert list(await journal.statuses(runs)) == [workflow_id(other)]
    finally:
        await journal.close()


@asynccontextmanager
async def peer(status: str, asked: list[str]) -> AsyncIterator[int]:
    """A node that answers every request so; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode())
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def add_node(name: str, port: int) -> NodeRow:
    """A node of the panel."""
    return await NodeRow.create(
        name=name, fqdn="127.0.0.1", scheme="http", daemon_port=port, memory_mib=1, disk_mib=1,
        token_id=new_token_id(), token=seal(new_token()),
    )  # fmt: skip


async def test_every_node_is_asked_to_delete_what_the_half_kept_and_one_that_is_away_when_it_is_back(
    panel: Panel,
) -> None:
    asked: list[str] = []
    async with peer("204 No Content", asked) as here, peer("404 Not Found", asked) as wings:
        near, far, foreign = await add_node("near", here), await add_node("far", 9), await add_node("wings", wings)
        await PluginRow.create(name="halved", version="1.0", footprint=Footprint(halves=("halved",)).to_json())
        await purge_plugin(SYSTEM, "halved")
        owed = await HalfRemovalRow.all().count()

        done = await remove_halves()
        still_owed = [row.node_id for row in await HalfRemovalRow.all()]
        await NodeRow.filter(id=far.id).update(daemon_port=here)
        done_later = await remove_halves()

    assert (owed, done, done_later) == (3, 2, 1)
    assert still_owed == [far.id]
    assert await HalfRemovalRow.all().count() == 0
    assert asked == ["DELETE /api/halves/halved HTTP/1.1"] * 3
    await NodeRow.filter(id__in=[near.id, far.id, foreign.id]).delete()


async def test_node_that_cannot_delete_is_asked_again(panel: Panel) -> None:
    asked: list[str] = []
    async with peer("500 Internal Server Error", asked) as port:
        node = await add_node("busy", port)
        await HalfRemovalRow.create(node_id=node.id, half="halved")

        done = await remove_halves()

    assert done == 0
    assert await HalfRemovalRow.filter(node_id=node.id).count() == 1
    await node.delete()
    assert await HalfRemovalRow.all().count() == 0  # a node that is removed owes nothing
