"""What plugins show in pages: theirs alone, in time, and never at the price of the page."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from muntin.access import Actor
from muntin.contributions import SlotContent
from muntin.core_plugin import load_core
from muntin.pages.programs import program_name
from muntin.pages.slots import check_slots
from muntin.panel import Panel
from muntin.plugins.discovery import Manifest
from muntin.plugins.loading import LoadedPlugin
from muntin.plugins.registry import Registry

from .conftest import Visitor


async def greet(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"whom": actor.username}


async def fail(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ZeroDivisionError


async def sleep(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    await asyncio.sleep(30)
    return {}


async def nothing(actor: Actor, values: Mapping[str, Any]) -> None:
    return None


@pytest.fixture
async def shop(panel: Panel) -> AsyncIterator[None]:
    """A plugin that greets, fails, dawdles, has nothing to show, and shows something to administrators only."""
    folder = panel.configuration.data_dir / "theme/shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "greeting.html").write_text("<p>Good day, {{ whom }} &amp; all</p>")
    template, slot = "shop/greeting.html", "dashboard.cards"
    contents = (
        SlotContent(slot=slot, template=template, load=greet),
        SlotContent(slot=slot, template=template, load=fail),
        SlotContent(slot=slot, template=template, load=sleep),
        SlotContent(slot=slot, template=template, load=nothing),
        SlotContent(slot="account.tabs", template=template, load=greet, title="Orders"),
        SlotContent(slot="account.tabs", template=template, load=greet, title="Books", permission="admin.metrics"),
    )
    manifest = Manifest(name="shop", module=__name__, distribution="shop", version="1")
    loaded = LoadedPlugin(manifest, sys.modules[__name__], contents)
    before = panel.registry
    panel.registry = Registry(before.manager, [load_core(), loaded], [])
    panel.registry.switch({"shop"})
    yield
    panel.registry = before


async def test_a_user_sees_what_works_and_nothing_of_what_does_not(shop: None, guest: Visitor) -> None:
    shown = await guest.get("/")

    assert shown.status == 200
    assert shown.text.count("Good day, guest & all") == 1
    assert "could not show" not in shown.text


async def test_an_administrator_is_told_of_what_failed(shop: None, boss: Visitor) -> None:
    shown = await boss.get("/")

    assert shown.text.count("Good day, boss & all") == 1
    assert shown.text.count("The plugin shop could not show its part of this page") == 2


async def test_tabs_of_plugins_stand_beside_the_others(shop: None, guest: Visitor, boss: Visitor) -> None:
    mine, theirs = await guest.get("/account"), await boss.get("/account")
    tab, hidden = await guest.get("/account/tabs/shop-orders"), await guest.get("/account/tabs/shop-books")

    assert "/account/tabs/shop-orders" in mine.text and "/account/tabs/shop-books" not in mine.text
    assert "/account/tabs/shop-books" in theirs.text
    assert (tab.status, hidden.status) == (200, 404)
    assert "Good day, guest & all" in tab.text


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36",
         "Chrome on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
         "Safari on iPhone"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown"),
    ],
)  # fmt: skip
def test_programs_have_names_people_know(user_agent: str, name: str) -> None:
    assert program_name(user_agent) == name


async def test_content_for_another_version_of_a_slot_is_left_out_and_told_to_administrators(
    shop: None, panel: Panel, guest: Visitor, boss: Visitor
) -> None:
    content = SlotContent(slot="dashboard.cards", template="shop/greeting.html", load=greet, title="Old", version=2)
    manifest = Manifest(name="antique", module=__name__, distribution="antique", version="1")
    before = panel.registry
    loaded = LoadedPlugin(manifest, sys.modules[__name__], (content,))
    panel.registry = Registry(before.manager, [*before.plugins, loaded], [])
    panel.registry.switch({"shop", "antique"})

    seen, told = await guest.get("/"), await boss.get("/")
    report = await check_slots()
    panel.registry = before

    sentence = "antique was written for version 2 of dashboard.cards, which is version 1 here."
    assert (seen.text.count("Good day"), "antique" in seen.text) == (1, False)
    assert sentence in told.text
    assert (report.ok, report.summary) == (False, sentence)
