from __future__ import annotations

from typing import Any

import pytest

from muntin_node.config import NodeConfig, parse_config
from muntin_node.enrolment import enrol
from muntin_node.errors import EnrolmentFailed

CONFIGURATION = {
    "uuid": "6f1d4a52-0000-4000-8000-000000000001",
    "token_id": "abcdefgh12345678",
    "token": "x" * 64,
    "api": {"host": "0.0.0.0", "port": 8081, "ssl": {"enabled": False, "cert": "", "key": ""}},
    "system": {"data": "/srv/volumes", "sftp": {"bind_port": 2023}},
    "remote": "https://panel.example.com",
}


async def test_a_one_time_token_is_exchanged_for_a_configuration(panel: Any) -> None:
    panel.answers.append((200, CONFIGURATION))
    base = parse_config({"system": {"root_directory": "/srv"}, "allowed_mounts": ["/mnt"]}, source="test")

    config = await enrol(panel.url + "/", "once-only", base=base)

    assert (panel.calls[0]["path"], panel.calls[0]["body"]) == ("/api/node/enrol", '{"token":"once-only"}')
    assert config == parse_config(
        CONFIGURATION
        | {
            "system": {"root_directory": "/srv", "data": "/srv/volumes", "sftp": {"bind_port": 2023}},
            "allowed_mounts": ["/mnt"],
        },
        source="test",
    )


async def test_a_panel_that_names_no_folder_leaves_the_choice_to_the_node(panel: Any) -> None:
    panel.answers.append((200, CONFIGURATION | {"system": {"data": "", "sftp": {"bind_port": 2023}}}))
    base = parse_config({"system": {"root_directory": "/srv", "data": "/big/volumes"}}, source="test")

    config = await enrol(panel.url, "once-only", base=base)

    assert (str(config.system.data), config.system.sftp.bind_port) == ("/big/volumes", 2023)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {}, "Make a new one"),
        (403, {}, "Make a new one"),
        (410, {}, "Make a new one"),
        (404, {}, "panel's address"),
        (500, {}, "try again later"),
        (200, "<html>", "not a configuration"),
        (200, [], "not a configuration"),
        (200, {"uuid": "x"}, "are needed"),
        (200, CONFIGURATION | {"api": {"port": "many"}}, "api.port"),
    ],
)
async def test_each_failure_names_its_remedy(panel: Any, status: int, body: Any, words: str) -> None:
    panel.answers.append((status, body))

    with pytest.raises(EnrolmentFailed) as failed:
        await enrol(panel.url, "once-only")

    assert words in failed.value.message
    assert "once-only" not in failed.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "panel.example.com", "ftp://x", "http://[broken"])
async def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(EnrolmentFailed) as failed:
        await enrol(url, "once-only", base=NodeConfig())

    assert "address" in failed.value.message
