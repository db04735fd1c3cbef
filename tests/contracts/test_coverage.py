"""That every error the contract lists, of every native route that exists, is seen by some test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EVERYWHERE = "tests/contracts/test_native_errors.py"
GENERATED = {
    (400, "bad_request"): "test_body_that_cannot_be_read_is_a_bad_request",
    (401, "unauthorized"): "test_stranger_is_asked_to_sign_in",
    (403, "forbidden"): "test_key_without_the_scope_is_refused",
    (404, "not_found"): "test_what_does_not_exist_is_not_found",
    (422, "validation_error"): "test_each_wrong_field_is_named",
    (429, "rate_limit_exceeded"): "test_caller_who_asked_too_often_is_told_when_to_come_back",
    (500, "internal_error"): "test_fault_of_the_panel_is_shown_as_the_id_of_the_request",
}
ACCOUNTS, CORE = "tests/accounts", "tests"
GAMES, HERE = "plugins/gameservers/tests/panel", "tests/contracts/test_server_errors.py"
V1, SERVERS, ADMIN = "/api/v1", "/api/v1/servers/{}", "/api/v1/admin"
SEEN = {
    f"GET {SERVERS}/resources 503 node_unreachable": f"{HERE}::test_node_that_is_away_is_named_as_the_reason",
    f"POST {SERVERS}/power 409 server_locked": f"{HERE}::test_locked_server_takes_no_orders",
    f"POST {SERVERS}/power 409 server_suspended": f"{HERE}::test_suspended_server_takes_no_orders",
    f"POST {SERVERS}/power 503 node_unreachable": f"{HERE}::test_node_that_is_away_is_named_as_the_reason",
    f"POST {SERVERS}/command 409 server_offline": f"{HERE}::test_command_to_a_stopped_server_is_refused",
    f"POST {SERVERS}/command 409 server_locked": f"{HERE}::test_locked_server_takes_no_orders",
    f"POST {SERVERS}/command 409 server_suspended": f"{HERE}::test_suspended_server_takes_no_orders",
    f"POST {SERVERS}/command 503 node_unreachable": f"{HERE}::test_node_that_is_away_is_named_as_the_reason",
    f"POST {SERVERS}/reinstall 409 server_locked": f"{HERE}::test_server_under_way_is_not_installed_again",
    f"PUT {SERVERS}/startup 403 variable_not_editable":
        f"{GAMES}/test_startup.py::test_variable_that_is_not_for_users_is_not_editable",
    f"POST {SERVERS}/allocations 409 limit_reached":
        f"{GAMES}/test_server_allocations.py::test_limit_counts_the_primary_one",
    f"POST {SERVERS}/allocations 409 no_allocation_available":
        f"{GAMES}/test_server_allocations.py::test_last_free_address_goes_to_one_of_two_servers",
    f"DELETE {SERVERS}/allocations/{{}} 409 allocation_primary":
        f"{GAMES}/test_server_allocations.py::test_address_is_given_back_but_not_the_primary_one",
    f"POST {ADMIN}/servers 409 conflict": f"{HERE}::test_server_without_a_place_is_not_made",
    f"POST {ADMIN}/servers 409 no_allocation_available": f"{HERE}::test_server_without_a_place_is_not_made",
    f"PUT {ADMIN}/servers/{{}} 409 conflict": f"{HERE}::test_external_id_of_another_server_is_a_conflict",
    f"DELETE {ADMIN}/servers/{{}} 409 server_locked":
        f"{HERE}::test_server_that_is_being_deleted_is_not_deleted_twice",
    f"DELETE {ADMIN}/servers/{{}} 503 node_unreachable":
        f"{HERE}::test_server_of_a_node_that_is_away_stays_unless_forced",
    f"POST {ADMIN}/servers/{{}}/reinstall 409 server_locked": f"{HERE}::test_server_under_way_is_not_installed_again",
    f"POST {ADMIN}/users 409 conflict": f"{CORE}/users/test_users.py::test_address_name_and_external_id_are_given_once",
    f"PUT {ADMIN}/users/{{}} 409 conflict":
        f"{CORE}/users/test_users.py::test_address_name_and_external_id_are_given_once",
    f"DELETE {ADMIN}/users/{{}} 409 user_has_servers": f"{CORE}/users/test_removal.py::test_owner_of_servers_stays",
    f"DELETE {ADMIN}/users/{{}} 403 cannot_delete_self":
        f"{CORE}/users/test_removal.py::test_nobody_deletes_themselves",
    f"POST {ADMIN}/nodes 409 conflict": f"{CORE}/nodes/test_nodes.py::test_second_node_of_a_name_is_a_conflict",
    f"GET {ADMIN}/nodes/{{}}/stats 503 node_unreachable":
        f"{CORE}/nodes/test_nodes.py::test_figures_of_an_absent_node_say_that_it_does_not_answer",
    f"DELETE {ADMIN}/nodes/{{}} 409 node_has_servers":
        f"{GAMES}/test_usage_and_objections.py::test_node_with_servers_stays_and_one_with_addresses_goes",
    f"POST {ADMIN}/nodes/{{}}/allocations 409 conflict":
        f"{GAMES}/test_node_allocations.py::test_addresses_are_added_once",
    f"DELETE {ADMIN}/nodes/{{}}/allocations/{{}} 409 allocation_in_use":
        f"{GAMES}/test_node_allocations.py::test_only_a_free_address_of_the_node_is_removed",
    f"POST {ADMIN}/nests 409 conflict": f"{GAMES}/test_nests.py::test_name_that_is_taken_is_refused",
    f"DELETE {ADMIN}/nests/{{}} 409 nest_in_use": f"{GAMES}/test_nests.py::test_nest_with_eggs_is_not_deleted",
    f"DELETE {ADMIN}/eggs/{{}} 409 egg_in_use": f"{GAMES}/test_eggs.py::test_egg_with_servers_is_not_deleted",
    f"POST {ADMIN}/eggs/import 422 egg_invalid":
        f"{GAMES}/test_egg_imports.py::test_wrong_fields_of_the_file_are_named",
    f"POST {ADMIN}/roles 409 conflict": f"{CORE}/roles/test_roles.py::test_short_name_is_given_once",
    f"PUT {ADMIN}/roles/{{}} 409 system_role": f"{CORE}/roles/test_roles.py::test_administrators_role_stays_as_it_is",
    f"DELETE {ADMIN}/roles/{{}} 409 system_role":
        f"{CORE}/roles/test_roles.py::test_administrators_role_stays_as_it_is",
    f"DELETE {ADMIN}/roles/{{}} 409 role_in_use": f"{CORE}/roles/test_roles.py::test_role_in_use_is_not_deleted",
    f"POST {ADMIN}/settings/email/test 502 mail_failed":
        f"{CORE}/mail/test_mail.py::test_test_mail_that_fails_says_why",
    f"POST {V1}/auth/login 401 invalid_credentials":
        f"{ACCOUNTS}/test_sign_in.py::test_unknown_account_and_wrong_password_get_the_same_answer",
    f"POST {V1}/auth/login 403 account_suspended":
        f"{ACCOUNTS}/test_sign_in.py::test_suspended_account_is_told_so_only_with_the_right_password",
    f"POST {V1}/auth/login 403 email_not_verified":
        f"{ACCOUNTS}/test_sign_in.py::test_unverified_account_has_to_confirm_its_address",
    f"POST {V1}/auth/login 423 account_locked":
        f"{ACCOUNTS}/test_sign_in.py::test_failures_lock_this_address_and_nobody_else",
    f"POST {V1}/auth/login/2fa 401 invalid_code": f"{ACCOUNTS}/test_two_factor.py::test_code_works_once",
    f"POST {V1}/auth/login/2fa 401 challenge_expired":
        f"{ACCOUNTS}/test_two_factor.py::test_challenge_ends_after_five_tries",
    f"POST {V1}/auth/login/2fa 423 account_locked":
        f"{ACCOUNTS}/test_two_factor.py::test_wrong_codes_lock_from_every_address",
    f"POST {V1}/auth/refresh 401 invalid_refresh_token":
        f"{ACCOUNTS}/test_tokens.py::test_used_refresh_token_ends_the_whole_session",
    f"POST {V1}/auth/register 403 registration_disabled":
        f"{ACCOUNTS}/test_recovery.py::test_registration_is_closed_unless_opened",
    f"POST {V1}/auth/register 409 conflict": f"{ACCOUNTS}/test_recovery.py::test_of_parallel_registrations_one_wins",
    f"POST {V1}/auth/reset-password 422 token_invalid":
        f"{ACCOUNTS}/test_recovery.py::test_reset_link_is_for_one_address_and_one_hour",
    f"POST {V1}/auth/verify-email 422 token_invalid":
        f"{ACCOUNTS}/test_recovery.py::test_registration_waits_for_the_address",
    f"PUT {V1}/account 409 conflict":
        f"{ACCOUNTS}/test_profile.py::test_name_and_address_of_another_account_are_refused",
    f"POST {V1}/account/api-keys 409 limit_reached":
        f"{ACCOUNTS}/test_api_keys.py::test_twenty_sixth_key_is_refused",
    f"POST {V1}/account/ssh-keys 409 conflict": f"{ACCOUNTS}/test_profile.py::test_same_ssh_key_twice_is_refused",
    f"POST {V1}/account/two-factor/setup 409 conflict":
        f"{ACCOUNTS}/test_two_factor.py::test_set_up_is_refused_while_it_is_on",
    f"POST {V1}/account/two-factor/enable 422 invalid_code":
        f"{ACCOUNTS}/test_two_factor.py::test_wrong_code_does_not_enable",
    f"POST {V1}/account/two-factor/disable 422 invalid_code":
        f"{ACCOUNTS}/test_two_factor.py::test_switching_off_needs_both_factors",
    f"POST {V1}/account/two-factor/disable 403 two_factor_required":
        f"{ACCOUNTS}/test_two_factor.py::test_demanded_second_factor_cannot_be_switched_off",
}  # fmt: skip
NEVER = {
    f"POST {ADMIN}/servers 503 node_unreachable",
    f"POST {ADMIN}/servers/{{}}/suspend 503 node_unreachable",
    f"POST {ADMIN}/servers/{{}}/reinstall 503 node_unreachable",
}
"""These are stored and brought to the node by a job; a node that is away is the server's problem, not the caller's."""


def test_every_error_of_the_contract_is_seen(promises: list[Any]) -> None:
    listed = {f"{one.name} {status} {code}": (status, code) for one in promises for status, code in one.errors}

    special = {name for name, error in listed.items() if error not in GENERATED}

    assert special - set(SEEN) - NEVER == set()
    assert (set(SEEN) | NEVER) - special == set()


@pytest.mark.parametrize("place", sorted({*SEEN.values(), *(f"{EVERYWHERE}::{name}" for name in GENERATED.values())}))
def test_named_test_exists(place: str) -> None:
    file, _colons, name = place.partition("::")

    assert re.search(rf"^(async )?def {name}\(", (REPOSITORY / file).read_text(), re.MULTILINE), place
