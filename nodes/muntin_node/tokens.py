"""What browsers and other nodes bring: JWTs that the panel signed with this node's token (HS256)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from muntin_node.config_store import ConfigStore
from muntin_node.errors import TokenRefused, TokenSpent

SINGLE_USE_MEMORY_S = 60 * 60
DENIAL_MEMORY_S = 24 * 60 * 60  # far longer than any token lives
MAX_TOKEN_CHARS = 16_384
# Panels repeat claims (`jti`, `sub`) in the header; nothing there but the algorithm counts.
REGISTRY = JWSRegistry(algorithms=["HS256"], strict_check_header=False)
EXPIRED = "jwt: exp claim is invalid"
NOT_PRESENT = "jwt: no jwt present"
MALFORMED = "jwt: malformed token"
BAD_SIGNATURE = "jwt: signature is invalid"
DENIED = "jwt: created too far in past (denylist)"
NO_CONNECT = "jwt: missing connect permission"
SPENT = "jwt: token was used before or is meant for something else"


class Purpose(StrEnum):
    """The one kind of endpoint a token works at; the value is its word in `scope`."""

    WEBSOCKET = "websocket"
    UPLOAD = "file-upload"
    FILE_DOWNLOAD = "file-download"
    BACKUP_DOWNLOAD = "backup-download"
    TRANSFER = "transfer"


SINGLE_USE = frozenset({Purpose.UPLOAD, Purpose.FILE_DOWNLOAD, Purpose.BACKUP_DOWNLOAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified token says. Strings are empty where the token has no such claim.

    Attributes:
        server_uuid: For transfers the `sub` claim. Compare it with the server that is asked for.
        issued_at: Unix seconds, whole.
        expires_at: Unix seconds, whole.
    """

    purpose: Purpose
    jti: str
    user_uuid: str
    server_uuid: str
    issued_at: int
    expires_at: int
    permissions: frozenset[str] = frozenset()
    unique_id: str = ""
    file_path: str = ""
    backup_uuid: str = ""

    def may(self, permission: str) -> bool:
        """`*` stands for everything but permissions that start with `admin`."""
        if permission in self.permissions:
            return True
        return "*" in self.permissions and not permission.startswith("admin")


class TimedMemory:
    """Keys with the time they were remembered at; forgotten after `life_s`, so it stays small."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._times: dict[tuple[str, ...], float] = {}  # oldest first

    def remember(self, key: tuple[str, ...], now: float) -> None:
        """Note the key with this time, and forget what is too old."""
        self._times.pop(key, None)
        self._times[key] = now
        while (oldest := next(iter(self._times))) and self._times[oldest] <= now - self._life_s:
            del self._times[oldest]

    def since(self, key: tuple[str, ...], now: float | None = None) -> float:
        """When the key was remembered; 0.0 if it was not, or (with `now`) too long ago."""
        at = self._times.get(key, 0.0)
        return 0.0 if now is not None and at <= now - self._life_s else at


class NodeTokens:
    """Verifies tokens; remembers in memory what was used (60 minutes) and denied (until the agent restarts).

    A restart forgets both, which is safe: tokens issued before it are refused.
    """

    def __init__(self, store: ConfigStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._booted_at = clock()
        self._used = TimedMemory(SINGLE_USE_MEMORY_S)
        self._denied = TimedMemory(DENIAL_MEMORY_S)  # keys: ("jti", jti) and ("user", user, server or "")

    def verify(self, token: str, purpose: Purpose) -> Claims:
        """Check signature, life time, denial and purpose; consume it where its purpose is single use.

        No await between check and consumption: of two parallel requests one wins.

        Raises:
            TokenRefused: Not signed by this node's token, expired, malformed; on the websocket also denied or
                without `websocket.connect`.
            TokenSpent: Upload or download token used before, denied, or of another purpose.
        """
        claims = _claims(self._decode(token), purpose)
        if purpose is not Purpose.TRANSFER:
            self._check_not_denied(claims)
        self._check_not_expired(claims)
        if purpose is Purpose.WEBSOCKET and not claims.may("websocket.connect"):
            raise TokenRefused(NO_CONNECT)
        if purpose in SINGLE_USE:
            self._consume(claims.unique_id)
        return claims

    def recheck(self, claims: Claims) -> None:
        """Whether a token that was verified still holds; cheap, for every frame of an open socket.

        Raises:
            TokenRefused: It expired, or was denied meanwhile.
        """
        self._check_not_denied(claims)
        self._check_not_expired(claims)

    def deny_jtis(self, jtis: list[str]) -> None:
        """Refuse tokens with these ids issued up to now."""
        for jti in jtis:
            self._denied.remember(("jti", jti), self._clock())

    def deny_user(self, user_uuid: str, server_uuids: tuple[str, ...] = ()) -> None:
        """Refuse a user's tokens issued up to now, for these servers; for all servers if none is named."""
        for server in server_uuids or ("",):
            self._denied.remember(("user", user_uuid, server), self._clock())

    def _decode(self, token: str) -> dict[str, Any]:
        if not token:
            raise TokenRefused(NOT_PRESENT)
        secret = self._store.current.token
        if not secret or len(token) > MAX_TOKEN_CHARS:
            raise TokenRefused(BAD_SIGNATURE)
        try:
            return jwt.decode(token, OctKey.import_key(secret), registry=REGISTRY).claims
        except (JoseError, ValueError, UnicodeError):
            raise TokenRefused(BAD_SIGNATURE) from None

    def _check_not_expired(self, claims: Claims) -> None:
        if self._clock() >= claims.expires_at:
            raise TokenRefused(EXPIRED)

    def _check_not_denied(self, claims: Claims) -> None:
        user = claims.user_uuid
        keys = (("jti", claims.jti), ("user", user, ""), ("user", user, claims.server_uuid))
        denied_at = max(self._denied.since(key) for key in keys)
        if claims.issued_at < self._booted_at or claims.issued_at <= denied_at:
            raise TokenRefused(DENIED) if claims.purpose is Purpose.WEBSOCKET else TokenSpent(DENIED)

    def _consume(self, unique_id: str) -> None:
        if self._used.since((unique_id,), self._clock()):
            raise TokenSpent(SPENT)
        self._used.remember((unique_id,), self._clock())


def _claims(raw: dict[str, Any], purpose: Purpose) -> Claims:
    permissions = raw.get("permissions") or []
    if not isinstance(permissions, list) or not all(isinstance(item, str) for item in permissions):
        raise TokenRefused(MALFORMED)
    claims = Claims(
        purpose=purpose,
        jti=_text(raw, "jti"),
        user_uuid=_text(raw, "user_uuid"),
        server_uuid=_text(raw, "sub" if purpose is Purpose.TRANSFER else "server_uuid"),
        issued_at=_whole(raw, "iat"),
        expires_at=_whole(raw, "exp"),
        permissions=frozenset(permissions),
        unique_id=_text(raw, "unique_id"),
        file_path=_text(raw, "file_path"),
        backup_uuid=_text(raw, "backup_uuid"),
    )
    if not _serves(claims, _text(raw, "scope"), has_permissions="permissions" in raw):
        raise TokenRefused(NO_CONNECT) if purpose is Purpose.WEBSOCKET else TokenSpent(SPENT)
    return claims


def _serves(claims: Claims, scope: str, *, has_permissions: bool) -> bool:
    """The purpose is in `scope`; a token without one (Pterodactyl's) is known by the claims only its kind has."""
    if scope and claims.purpose.value not in scope.split():
        return False
    if claims.purpose is Purpose.TRANSFER:
        return bool(claims.server_uuid) and (bool(scope) or not (claims.user_uuid or has_permissions))
    if not claims.user_uuid or not claims.server_uuid:
        return False
    if claims.purpose is Purpose.WEBSOCKET:
        return has_permissions
    return bool(claims.unique_id) and _has_its_claims(claims, strictly=not scope, has_permissions=has_permissions)


def _has_its_claims(claims: Claims, *, strictly: bool, has_permissions: bool) -> bool:
    needs_file = claims.purpose is Purpose.FILE_DOWNLOAD
    needs_backup = claims.purpose is Purpose.BACKUP_DOWNLOAD
    if strictly:
        return (has_permissions, bool(claims.file_path), bool(claims.backup_uuid)) == (False, needs_file, needs_backup)
    return bool(claims.file_path) >= needs_file and bool(claims.backup_uuid) >= needs_backup


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str):
        raise TokenRefused(MALFORMED)
    return value


def _whole(raw: dict[str, Any], key: str) -> int:
    value = raw.get(key)
    if type(value) is not int:  # bool and fractional seconds are not taken
        raise TokenRefused(MALFORMED)
    return value
