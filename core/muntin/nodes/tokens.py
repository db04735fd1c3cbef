"""Tokens that people and nodes bring to a node: JWTs of the Wings protocol, signed with the node's own token."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

from muntin.nodes.credentials import token_of
from muntin.nodes.models import NodeRow
from muntin.runtime import panel

__all__ = ["sign_for_node"]

EARLY_S = 300
_COPIED = ("jti", "sub")
"""Claims that the header repeats, as panels of this protocol do (RFC 7519 section 5.3)."""
_REGISTRY = JWSRegistry(
    header_registry={name: HeaderParameter(f"Copy of the claim {name}", "str") for name in _COPIED},
    algorithms=["HS256"],
)


def sign_for_node(node: NodeRow, *, jti: str, lives_s: int, claims: Mapping[str, Any]) -> str:
    """A token that this node, and no other, takes.

    Args:
        jti: Names the token, or all tokens of one account for one server, so that the node can be told to refuse it.
        lives_s: Seconds until it expires; whole, as nodes read no fractions.
        claims: What it is for, in the words of the protocol: `scope`, `server_uuid`, `user_uuid`, `permissions` ...
    """
    now = int(time.time())
    common = {
        "iss": panel().configuration.public_url,
        "aud": [node.base_url],
        "jti": jti,
        "iat": now,
        "nbf": now - EARLY_S,
        "exp": now + lives_s,
        "unique_id": secrets.token_urlsafe(12)[:16],
    }
    whole = {**common, **claims}
    header = {"alg": "HS256", "typ": "JWT", **{name: whole[name] for name in _COPIED if name in whole}}
    return jwt.encode(header, whole, OctKey.import_key(token_of(node)), registry=_REGISTRY)
