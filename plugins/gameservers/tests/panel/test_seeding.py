"""Our own eggs in a new panel."""

from __future__ import annotations

from muntin.panel import Panel
from muntin.testing.callers import Caller
from muntin_gameservers.eggs.catalogue import catalogue
from muntin_gameservers.models import EggRow, NestRow
from muntin_gameservers.nests.seeding import ensure_catalogue


async def test_catalogue_is_added_once_and_what_people_change_stays(panel: Panel, admin: Caller) -> None:
    await ensure_catalogue()
    first, gone = await EggRow.all().order_by("name").limit(2)
    await admin.put(f"/api/v1/admin/eggs/{first.id}", {"startup": "./mine"})
    await admin.delete(f"/api/v1/admin/eggs/{gone.id}")
    before = await EggRow.all().order_by("id").values()

    await ensure_catalogue()

    assert await EggRow.all().order_by("id").values() == before
    assert len(before) == len(catalogue()) - 1
    assert await NestRow.all().count() == len({entry.nest for entry in catalogue()})
