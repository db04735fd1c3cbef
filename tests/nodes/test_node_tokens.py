"""Tokens that the panel signs for a node, looked at by hand, as a daemon written elsewhere reads them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from muntin.app import PanelApp
from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.nodes.tokens import sign_for_node

SECRET = "s" * 64


def opened(part: str) -> Any:
    """One part of a token, decoded."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def test_token_for_a_node_looks_as_the_protocol_says(app: PanelApp) -> None:
    node = NodeRow(name="far", fqdn="node.example.test", scheme="https", daemon_port=8443, token=seal(SECRET))
    before = int(time.time())

    token = sign_for_node(node, jti="one", lives_s=600, claims={"scope": "transfer", "sub": "a-server"})

    header, claims, proof = token.split(".")
    right = hmac.new(SECRET.encode(), f"{header}.{claims}".encode(), hashlib.sha256).digest()
    told = opened(claims)
    assert base64.urlsafe_b64decode(proof + "==") == right
    assert opened(header) == {"typ": "JWT", "alg": "HS256", "jti": "one", "sub": "a-server"}
    assert len(told.pop("unique_id")) == 16
    assert before <= told["iat"] <= int(time.time())
    assert told == {
        "iss": "https://panel.example.test",
        "aud": ["https://node.example.test:8443"],
        "jti": "one",
        "sub": "a-server",
        "scope": "transfer",
        "iat": told["iat"],
        "nbf": told["iat"] - 300,
        "exp": told["iat"] + 600,
    }
