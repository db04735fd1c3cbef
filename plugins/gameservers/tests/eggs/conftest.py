"""Egg documents of each format, as its panels write them."""

from collections.abc import Callable
from typing import Any

import pytest

Document = dict[str, Any]
PTDL = ("PTDL_v1", "PTDL_v2")


def _variable(version: str) -> Document:
    variable: Document = {
        "name": "Map",
        "description": "The first map.",
        "env_variable": "MAP",
        "default_value": "dm1",
        "user_viewable": True,
        "user_editable": False,
        "rules": "required|regex:/^(dm|ctf)\\d$/|max:20" if version in PTDL else ["required", "regex:/^(dm|ctf)\\d$/"],
    }
    if version == "PTDL_v2":
        variable["field_type"] = "text"
    if version not in PTDL:
        variable["sort"] = 3
    return variable


def _config(version: str, syntax: str) -> Document:
    if syntax == "yaml" and version in ("PLCN_v2", "PLCN_v3"):
        files = {"a.cfg": {"parser": "ini", "find": {"z": "{{server.build.default.port}}", "a": True}}}
        return {"files": files, "startup": {"done": ["ready", "regex:^up"]}, "logs": {}, "stop": "^C"}
    return {
        "files": '{\r\n    "a.cfg": {"parser": "ini", "find": {"z": "1", "a": true}}\r\n}',
        "startup": '{"done": "ready"}',
        "logs": "{}",
        "stop": "quit",
    }


def _document(version: str, syntax: str = "json") -> Document:
    document: Document = {
        "_comment": "DO NOT EDIT",
        "meta": {"version": version, "update_url": None},
        "exported_at": "2024-05-07T12:55:55+00:00",
        "name": "Arena",
        "author": "someone@example.com",
        "description": "A game.\r\nFor two.",
        "features": ["eula"],
        "file_denylist": ["*.key"],
        "config": _config(version, syntax),
        "scripts": {
            "installation": {"script": "#!/bin/sh\r\necho hi\r\n", "container": "alpine:3", "entrypoint": "ash"}
        },
        "variables": [_variable(version)],
    }
    if version not in PTDL:
        document |= {"uuid": "c2a3c1f8-7f0b-4b7e-9c0d-6a7d5c1d9b34", "tags": ["arena"]}
    if version == "PLCN_v3":
        document |= {"icon": "data:image/png;base64,AA==", "startup_commands": {"Z": "./run -p 1", "A": "./run -p 2"}}
    else:
        document["startup"] = "./run {{MAP}}"
    images = {"Java 21": "java:21", "Java 17": "java:17"}
    document |= {"images": ["java:21", "java:17"]} if version == "PTDL_v1" else {"docker_images": images}
    return document


@pytest.fixture
def make_document() -> Callable[..., Document]:
    """`make_document("PTDL_v2", "json")`: a full document of that format, to be changed by the test."""
    return _document
