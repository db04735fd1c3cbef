"""The token of one socket: what it allows, and whether it still holds."""

from __future__ import annotations

import time

from muntin_node.errors import TokenRefused
from muntin_node.tokens import NOT_PRESENT, Claims, NodeTokens, Purpose

MISMATCH = "jwt: server uuid mismatch"
EXPIRING_S = 60


class Credentials:
    """Starts empty; `accept` fills and renews it."""

    def __init__(self, tokens: NodeTokens, server_uuid: str) -> None:
        self._tokens = tokens
        self._server_uuid = server_uuid
        self._claims: Claims | None = None

    @property
    def user_uuid(self) -> str:
        """Whose token it is; empty before the first."""
        return self._claims.user_uuid if self._claims else ""

    @property
    def is_first(self) -> bool:
        """Whether no token was accepted yet."""
        return self._claims is None

    @property
    def is_expiring(self) -> bool:
        """Whether it holds for a minute at most."""
        return self._claims is not None and self._claims.expires_at - time.time() <= EXPIRING_S

    def accept(self, token: str) -> None:
        """Take a token.

        Raises:
            TokenRefused: It does not hold; the one before stays.
        """
        self._claims = self._tokens.verify(token, Purpose.WEBSOCKET)

    def check(self) -> Claims:
        """The claims, if they hold now and for this server.

        Raises:
            TokenRefused: `reason` is the protocol's wording.
        """
        if self._claims is None:
            raise TokenRefused(NOT_PRESENT)
        self._tokens.recheck(self._claims)
        if self._claims.server_uuid != self._server_uuid:
            raise TokenRefused(MISMATCH)
        return self._claims
