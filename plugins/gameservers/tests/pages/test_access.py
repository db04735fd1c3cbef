"""Every page of game servers, by every kind of visitor."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from muntin.routing import Route
from muntin.testing.attacks import filled
from muntin_gameservers.models import NestRow, ServerRow
from muntin_gameservers.nests.shown import variable_id
from muntin_gameservers.pages.routes import routes

from .conftest import Made, Visitor

OWN_TABS = ("", "/startup", "/network", "/activity", "/settings")
NEEDS = {"/startup": "startup.read", "/network": "allocation.read", "/activity": "activity.read",
         "/settings": "settings.rename"}  # fmt: skip
POSTS = [route for route in routes if route.method == "POST"]


def label(route: Route) -> str:
    return f"{route.method} {route.path}"


@dataclass(frozen=True)
class Place:
    """A server with everything around it; values for the paths of routes."""

    server: ServerRow
    nest: NestRow

    @property
    def values(self) -> dict[str, object]:
        return {
            "server_id": self.server.id,
            "node_id": self.server.node_id,
            "egg_id": self.server.egg_id,
            "nest_id": self.nest.id,
            "allocation_id": self.server.allocation_id,
            "variable_id": variable_id(self.server.egg_id, "SLOTS"),
        }


@pytest.fixture(scope="module")
async def place(made: Made, owner: Visitor) -> Place:
    nest = await made.nest()
    return Place(await made.server(owner.account_id, egg=await made.egg(nest)), nest)


@pytest.mark.parametrize("route", routes, ids=label)
async def test_a_stranger_is_sent_to_sign_in(nobody: Visitor, place: Place, route: Route) -> None:
    path = filled(route.path, place.values)

    shown = await (nobody.get(path) if route.method == "GET" else nobody.post(path))

    assert (shown.status, shown.path.partition("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize("route", [one for one in routes if one.path != "/servers"], ids=label)
async def test_somebody_else_is_refused(other: Visitor, place: Place, route: Route) -> None:
    path = filled(route.path, place.values)

    shown = await (other.get(path) if route.method == "GET" else other.post(path, {"confirm": place.server.name}))

    assert shown.status in ((404,) if route.path.startswith("/servers/") and not route.body else (403, 404, 422))
    assert place.server.name not in shown.text


@pytest.mark.parametrize("route", POSTS, ids=label)
async def test_no_change_without_the_proof(boss: Visitor, place: Place, route: Route) -> None:
    shown = await boss.post(filled(route.path, place.values), {"confirm": place.server.name}, proof="wrong")

    assert shown.status == 403
    assert "came from another site" in shown.text


@pytest.mark.parametrize("tab", OWN_TABS)
async def test_the_owner_sees_every_tab(owner: Visitor, place: Place, tab: str) -> None:
    shown = await owner.get(f"/servers/{place.server.id}{tab}")

    assert shown.status == 200
    assert all(f'href="/servers/{place.server.id}{one}"' in shown.text for one in OWN_TABS)
    assert "'unsafe-inline'" not in shown.headers["Content-Security-Policy"]


@pytest.mark.parametrize("tab", OWN_TABS)
async def test_a_friend_without_the_permission_sees_the_server_alone(
    made: Made, owner: Visitor, friend: Visitor, tab: str
) -> None:
    server = await made.server(owner.account_id)
    await made.share(server, friend)

    shown = await friend.get(f"/servers/{server.id}{tab}")

    assert shown.status == (403 if tab else 200)
    assert "<muntin-console" not in shown.text and "data-power" not in shown.text


@pytest.mark.parametrize(("tab", "permission"), NEEDS.items())
async def test_a_friend_sees_the_tab_that_was_shared(
    made: Made, owner: Visitor, friend: Visitor, tab: str, permission: str
) -> None:
    server = await made.server(owner.account_id)
    await made.share(server, friend, permission)

    shown = await friend.get(f"/servers/{server.id}{tab}")
    first = await friend.get(f"/servers/{server.id}")

    assert shown.status == 200
    assert [one for one in NEEDS if f'"/servers/{server.id}{one}"' in first.text] == [tab]


@pytest.mark.parametrize(
    "route", [one for one in routes if one.method == "GET" and "/more/" not in one.path], ids=label
)
async def test_an_administrator_sees_every_page(boss: Visitor, place: Place, route: Route) -> None:
    shown = await boss.get(filled(route.path, place.values))

    assert shown.status == 200


@pytest.mark.parametrize("route", [one for one in POSTS if one.path.startswith("/admin/")], ids=label)
async def test_a_moderator_changes_nothing_but_suspensions(moderator: Visitor, place: Place, route: Route) -> None:
    shown = await moderator.post(filled(route.path, place.values), {"confirm": place.server.name})

    may = route.path.endswith("suspend")
    assert shown.status == (303 if may else 403)


@pytest.mark.parametrize(
    "path", ["/servers", "/servers?status=&type=&search=", "/admin/servers?status=&node=&search=x",
             "/admin/eggs?nest=&search=", "/admin/eggs?nest=nothing", "/servers?per_page=1&page=99"]
)  # fmt: skip
async def test_empty_filters_of_a_list_are_none(boss: Visitor, path: str) -> None:
    assert (await boss.get(path)).status == 200


async def test_a_tab_that_no_plugin_has_is_not_found(owner: Visitor, place: Place) -> None:
    assert (await owner.get(f"/servers/{place.server.id}/more/nothing")).status == 404
