"""A node's identity: 16 characters that name it and 64 that prove it, as Wings has them."""

from __future__ import annotations

import hmac
import secrets
import string
from hashlib import sha256

from muntin.access import Actor, Grants
from muntin.encryption import decrypt, encrypt
from muntin.errors import BadRequest, Forbidden, NotAuthenticated
from muntin.nodes.models import NodeRow
from muntin.translation import _

ALPHABET = string.ascii_letters + string.digits
NODE_GRANTS = Grants(("node.*",))
PURPOSE = "core_node.token"


def new_token_id() -> str:
    """Sixteen random characters."""
    return _random(16)


def new_token() -> str:
    """Sixty-four random characters."""
    return _random(64)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _index in range(length))


def seal(token: str) -> str:
    """The token as it is stored."""
    return encrypt(token, PURPOSE)


def token_of(node: NodeRow) -> str:
    """The secret the node and the panel share; it also signs the node's JWTs."""
    return decrypt(node.token, PURPOSE)


def digest(one_time_token: str) -> str:
    """How an enrolment token is stored."""
    return sha256(one_time_token.encode()).hexdigest()


async def node_of_bearer(bearer: str | None, address: str) -> Actor:
    """The node behind `<token id>.<token>`.

    Raises:
        NotAuthenticated: No bearer at all.
        BadRequest: Not two parts.
        Forbidden: No such node, or the wrong token.
    """
    if bearer is None:
        raise NotAuthenticated
    token_id, _dot, token = bearer.partition(".")
    if not token_id or not token or "." in token:
        raise BadRequest(_("The credential of a node has two parts: its id and its token."))
    node = await NodeRow.get_or_none(token_id=token_id)
    if node is None or not await _proves(node, token):
        raise Forbidden(_("This is not the token of a node."))
    return Actor(kind="node", username=node.name, grants=NODE_GRANTS, node_id=node.id, address=address)


async def _proves(node: NodeRow, token: str) -> bool:
    """Whether it is the node's token; once the node shows the new one, the one before is of no use any more."""
    if hmac.compare_digest(token_of(node).encode(), token.encode()):
        if node.previous_token:
            await NodeRow.filter(id=node.id, token=node.token).update(previous_token="")
        return True
    if not node.previous_token:
        return False
    return hmac.compare_digest(decrypt(node.previous_token, PURPOSE).encode(), token.encode())
