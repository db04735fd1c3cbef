"""What each route takes and needs, compared with what the contract names."""

from __future__ import annotations

from muntin.openapi import failures
from muntin.routing import Route

from .asking import NEVER
from .promises import Promise

READ_BY_HAND = {
    "POST /api/v1/admin/eggs/import": {"nest_id", "egg", "overwrite_egg_id"},  # several forms of body; asked in `areas`
    "PUT /api/v1/admin/servers/{id}": {"*"},  # compared below
    "PUT /api/v1/admin/settings": {"<group>.<key> or nested groups"},  # as the sections declare
    "POST /api/v1/auth/register": {"captcha_token"},  # there is no captcha
}


def taken(model: type | None) -> set[str]:
    """Names that a model of pydantic takes."""
    fields = getattr(model, "model_fields", {})
    return {field.alias or name for name, field in fields.items()}


def test_every_field_of_a_body_is_taken(promises: list[Promise]) -> None:
    lacking = {one.name: set(one.body) - taken(one.route.body) for one in promises}

    assert {name: fields for name, fields in lacking.items() if fields} == READ_BY_HAND


def test_server_is_changed_by_the_fields_it_was_made_with(promises: list[Promise]) -> None:
    models = {one.name: taken(one.route.body) for one in promises if one.path.startswith("/api/v1/admin/servers")}

    made, changed = models["POST /api/v1/admin/servers"], models["PUT /api/v1/admin/servers/{id}"]

    assert made - changed == {"node_id", "deploy"}
    assert changed - made == set()


def test_every_name_of_a_query_is_taken(promises: list[Promise]) -> None:
    lacking = {one.name: set(one.query) - taken(one.route.query) for one in promises}

    assert {name: fields for name, fields in lacking.items() if fields} == {}


def test_every_route_needs_the_permission_of_the_contract(promises: list[Promise]) -> None:
    found = {one.name: (one.route.permission, one.permission) for one in promises}

    assert {name: both for name, both in found.items() if both[0] != both[1]} == {}


def test_every_error_is_described(promises: list[Promise]) -> None:
    listed = {(one.name, status, code) for one in promises for status, code in one.errors}
    told = {(one.name, status, code) for one in promises for status, code in described(one.route)}

    assert listed - told - set(NEVER) == set()


def described(route: Route) -> set[tuple[int, str]]:
    """What the description of the API says may go wrong."""
    return {(error.status, error.code) for error in failures(route)}
