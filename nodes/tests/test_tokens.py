from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from muntin_node.config_store import ConfigStore
from muntin_node.errors import TokenRefused, TokenSpent
from muntin_node.tokens import BAD_SIGNATURE, DENIED, EXPIRED, Claims, NodeTokens, Purpose

Sign = Callable[..., str]
KINDS: dict[Purpose, dict[str, object]] = {
    Purpose.WEBSOCKET: {"permissions": ["websocket.connect", "control.start"]},
    Purpose.UPLOAD: {},
    Purpose.FILE_DOWNLOAD: {"file_path": "/a.txt"},
    Purpose.BACKUP_DOWNLOAD: {"backup_uuid": "backup-1"},
    Purpose.TRANSFER: {"sub": "server-1", "user_uuid": None, "server_uuid": None},
}


@pytest.fixture
def tokens(store: ConfigStore) -> NodeTokens:
    return NodeTokens(store)


@pytest.mark.parametrize("scoped", [True, False], ids=["with_scope", "pterodactyl"])
@pytest.mark.parametrize("made_for", Purpose)
@pytest.mark.parametrize("used_at", Purpose)
def test_a_token_works_at_exactly_one_kind_of_endpoint(
    store: ConfigStore, sign: Sign, made_for: Purpose, used_at: Purpose, scoped: bool
) -> None:
    token = sign(**KINDS[made_for], scope=made_for.value if scoped else None)
    tokens = NodeTokens(store)

    if made_for is used_at:
        assert tokens.verify(token, used_at).server_uuid == "server-1"
    else:
        with pytest.raises(TokenRefused):
            tokens.verify(token, used_at)


def test_a_websocket_token_says_who_may_do_what(tokens: NodeTokens, sign: Sign) -> None:
    now = int(time.time()) + 1

    claims = tokens.verify(
        sign(permissions=["websocket.connect"], scope="websocket", iat=now, exp=now + 600), Purpose.WEBSOCKET
    )

    assert claims == Claims(
        purpose=Purpose.WEBSOCKET,
        jti="j" * 32,
        user_uuid="user-1",
        server_uuid="server-1",
        issued_at=now,
        expires_at=now + 600,
        permissions=frozenset({"websocket.connect"}),
        unique_id="u" * 16,
    )


def test_a_star_grants_all_but_what_is_the_admins() -> None:
    claims = Claims(
        purpose=Purpose.WEBSOCKET, jti="", user_uuid="u", server_uuid="s", issued_at=0, expires_at=0,
        permissions=frozenset({"*", "admin.websocket.install"}),
    )  # fmt: skip

    assert [claims.may(name) for name in ("control.start", "admin.websocket.install", "admin.websocket.errors")] == [
        True,
        True,
        False,
    ]


def test_a_one_time_token_works_once(tokens: NodeTokens, sign: Sign) -> None:
    token = sign(file_path="/a.txt", scope="file-download")

    tokens.verify(token, Purpose.FILE_DOWNLOAD)

    with pytest.raises(TokenSpent):
        tokens.verify(token, Purpose.FILE_DOWNLOAD)


async def test_of_parallel_uses_of_a_one_time_token_one_wins(tokens: NodeTokens, sign: Sign) -> None:
    token = sign(scope="file-upload")

    async def use() -> bool:
        try:
            tokens.verify(token, Purpose.UPLOAD)
        except TokenSpent:
            return False
        return True

    assert sorted(await asyncio.gather(*(use() for _ in range(20)))) == [False] * 19 + [True]


def test_a_websocket_token_may_be_used_again(tokens: NodeTokens, sign: Sign) -> None:
    token = sign(permissions=["*"], scope="websocket")

    first, second = (tokens.verify(token, Purpose.WEBSOCKET) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": 12.5},
        {"iat": None},
        {"iat": True},
        {"exp": "soon"},
        {"jti": 5},
        {"permissions": "all"},
        {"permissions": [1]},
        {"permissions": ["control.start"]},
        {"exp": 1},
        {"iat": 1},
    ],
    ids=str,
)
def test_claims_that_do_not_hold_are_refused(tokens: NodeTokens, sign: Sign, claims: dict[str, object]) -> None:
    with pytest.raises(TokenRefused):
        tokens.verify(sign(**({"permissions": ["*"], "scope": "websocket"} | claims)), Purpose.WEBSOCKET)


def test_an_expired_token_is_refused_with_the_words_clients_know(tokens: NodeTokens, sign: Sign) -> None:
    with pytest.raises(TokenRefused) as refused:
        tokens.verify(sign(permissions=["*"], exp=int(time.time()) - 1), Purpose.WEBSOCKET)

    assert (refused.value.reason, refused.value.status) == (EXPIRED, 500)


def test_other_signatures_and_algorithms_are_refused(tokens: NodeTokens, sign: Sign) -> None:
    good = sign(permissions=["*"])
    header, payload, signature = good.split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    forged = [
        sign(permissions=["*"], key="y" * 64),
        f"{unsigned}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload}",
        "",
        "x",
        "é.é.é",
        "a" * 20_000,
    ]

    for token in forged:
        with pytest.raises(TokenRefused):
            tokens.verify(token, Purpose.WEBSOCKET)
    assert tokens.verify(good, Purpose.WEBSOCKET).user_uuid == "user-1"


def test_tokens_from_before_the_boot_are_refused(store: ConfigStore, sign: Sign) -> None:
    tokens = NodeTokens(store)

    with pytest.raises(TokenRefused) as refused:
        tokens.verify(sign(permissions=["*"], iat=int(time.time()) - 5), Purpose.WEBSOCKET)

    assert refused.value.reason == DENIED


def test_denied_ids_are_refused_also_on_sockets_that_are_open(store: ConfigStore, sign: Sign) -> None:
    clock = [1_000.0]
    tokens = NodeTokens(store, clock=lambda: clock[0])
    old = tokens.verify(sign(permissions=["*"], iat=1_000, exp=2_000, jti="a"), Purpose.WEBSOCKET)
    other = tokens.verify(sign(permissions=["*"], iat=1_000, exp=2_000, jti="b"), Purpose.WEBSOCKET)

    clock[0] = 1_010.5
    tokens.deny_jtis(["a"])

    with pytest.raises(TokenRefused):
        tokens.recheck(old)
    tokens.recheck(other)
    clock[0] = 1_012
    tokens.recheck(tokens.verify(sign(permissions=["*"], iat=1_011, exp=2_000, jti="a"), Purpose.WEBSOCKET))


@pytest.mark.parametrize("servers", [(), ("server-1",)], ids=["everywhere", "one_server"])
def test_a_denied_user_loses_every_kind_of_token(store: ConfigStore, sign: Sign, servers: tuple[str, ...]) -> None:
    clock = [1_000.0]
    tokens = NodeTokens(store, clock=lambda: clock[0])
    clock[0] = 1_005
    tokens.deny_user("user-1", servers)

    for purpose in (Purpose.WEBSOCKET, Purpose.UPLOAD, Purpose.FILE_DOWNLOAD, Purpose.BACKUP_DOWNLOAD):
        with pytest.raises(TokenRefused):
            tokens.verify(sign(**KINDS[purpose], scope=purpose.value, iat=1_001, exp=2_000), purpose)
    spared = {"user_uuid": "user-2"} if not servers else {"server_uuid": "server-2"}
    assert tokens.verify(sign(permissions=["*"], iat=1_001, exp=2_000, **spared), Purpose.WEBSOCKET)


def test_used_ids_are_forgotten_after_an_hour(store: ConfigStore, sign: Sign) -> None:
    clock = [1_000.0]
    tokens = NodeTokens(store, clock=lambda: clock[0])
    long_lived = sign(scope="file-upload", iat=1_000, exp=100_000)
    tokens.verify(long_lived, Purpose.UPLOAD)

    clock[0] = 1_000 + 3_599
    with pytest.raises(TokenSpent):
        tokens.verify(long_lived, Purpose.UPLOAD)
    clock[0] = 1_000 + 3_601
    assert tokens.verify(long_lived, Purpose.UPLOAD).unique_id == "u" * 16


async def test_a_rotated_node_token_holds_at_once(store: ConfigStore, sign: Sign) -> None:
    tokens = NodeTokens(store)
    await store.replace(store.current.model_copy(update={"token": "n" * 64}))

    with pytest.raises(TokenRefused):
        tokens.verify(sign(permissions=["*"]), Purpose.WEBSOCKET)
    assert tokens.verify(sign(permissions=["*"], key="n" * 64), Purpose.WEBSOCKET)


def test_header_decides_nothing_but_the_algorithm(tokens: NodeTokens, store: ConfigStore) -> None:
    secret = store.current.token
    now = int(time.time()) + 1
    claims = {"iat": now, "exp": now + 60, "user_uuid": "u", "server_uuid": "s", "jti": "a", "permissions": ["*"]}

    def token(**header: Any) -> str:
        loose = JWSRegistry(algorithms=["HS256", "HS512"], strict_check_header=False)
        return jwt.encode({"alg": "HS256", **header}, claims, OctKey.import_key(secret), registry=loose)

    told = tokens.verify(token(jti="b", sub="c", exp=1, x_more=[1]), Purpose.WEBSOCKET)
    refused = []
    for header in ({"alg": "HS512"}, {"crit": ["x_more"], "x_more": 1}):
        with pytest.raises(TokenRefused) as error:
            tokens.verify(_with_header(token(), {"alg": "HS256", **header}, secret), Purpose.WEBSOCKET)
        refused.append(error.value.message)

    assert (told.jti, told.expires_at) == ("a", now + 60)
    assert refused == [BAD_SIGNATURE] * 2


def _with_header(token: str, header: dict[str, Any], secret: str) -> str:
    """The token signed again with a header that no library writes."""
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    signed = f"{encoded}.{token.split('.')[1]}"
    digest = hashlib.sha512 if header["alg"] == "HS512" else hashlib.sha256
    proof = base64.urlsafe_b64encode(hmac.new(secret.encode(), signed.encode(), digest).digest()).rstrip(b"=").decode()
    return f"{signed}.{proof}"
