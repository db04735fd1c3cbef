"""A real OpenID provider: authlib's server parts over real HTTP on the loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT_ID, CLIENT_SECRET = "muntin-panel", "canary-client-secret"
CALLBACK_PATH = "/sign-in/oidc/callback"
ADA = {
    "sub": "ada-at-provider",
    "email": "Ada@example.com",
    "email_verified": True,
    "preferred_username": "Ada L.",
    "given_name": "Ada",
}
QUESTION = """<!doctype html><title>The provider</title><h1>Sign in to the panel?</h1>
<form method="post"><button name="answer" value="yes">Go on as Ada</button>
<button name="answer" value="no">Cancel</button></form>"""


@dataclass
class Client:
    """The panel as the provider knows it."""

    callback: str
    client_id: str = CLIENT_ID

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.callback

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    """An authorization code the provider gave out."""

    code: str
    user: dict[str, Any]
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    auth_time: int = field(default_factory=lambda: int(time.time()))
    acr: str | None = None
    amr: str | None = None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> str | None:
        return self.acr

    def get_amr(self) -> str | None:
        return self.amr


class OpenIdProvider:
    """A provider at which `user` is always signed in; `claims` and `signing_key` may be bent by tests.

    Args:
        panel_url: Where the panel that it knows is reached.
        asks: Whether it asks on a page of its own before it sends the browser back.

    Attributes:
        is_away: Answers 503 to everything.
    """

    def __init__(self, panel_url: str, *, asks: bool = False) -> None:
        self.callback = panel_url + CALLBACK_PATH
        self.asks = asks
        self.is_away = False
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self.signing_key = self.key
        self.user: dict[str, Any] = dict(ADA)
        self.claims: dict[str, Any] = {}
        self.codes: dict[str, Code] = {}
        self.http = make_server("127.0.0.1", 0, self._application(), threaded=True)
        self.issuer = f"http://127.0.0.1:{self.http.server_port}"
        self.authorization = self.issuer + "/authorize"

    def _application(self) -> Flask:
        app = Flask("provider")
        server: Any = AuthorizationServer(app, query_client=self._client, save_token=lambda token, asked: None)
        grant = type("Grant", (_CodeGrant,), {"provider": self})
        server.register_grant(grant, [_IdToken(self), CodeChallenge(required=True)])

        @app.before_request
        def refuse() -> Response | None:
            return Response("away", status=503) if self.is_away else None

        @app.route("/authorize", methods=["GET", "POST"])
        def authorize() -> Any:
            asked = server.create_oauth2_request(None)
            user = self.user if request.form.get("answer") != "no" else None
            consent = server.get_consent_grant(asked, end_user=user)
            if self.asks and request.method == "GET":
                return QUESTION
            return server.create_authorization_response(asked, grant_user=user, grant=consent)

        @app.post("/token")
        def token() -> Any:
            return server.create_token_response()

        @app.get("/keys")
        def keys() -> Response:
            return jsonify(keys=[self.key.as_dict(private=False)])

        @app.get("/.well-known/openid-configuration")
        def configuration() -> Response:
            return jsonify(
                issuer=self.issuer,
                authorization_endpoint=self.authorization,
                token_endpoint=f"{self.issuer}/token",
                jwks_uri=f"{self.issuer}/keys",
            )

        return app

    def _client(self, client_id: str) -> Client | None:
        return Client(self.callback) if client_id == CLIENT_ID else None

    @contextmanager
    def serving(self) -> Iterator[Self]:
        """Answer while the block runs."""
        thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.http.shutdown()
            self.http.server_close()
            thread.join()


class _CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]
    provider: OpenIdProvider

    def save_authorization_code(self, code: str, request: Any) -> None:
        asked = request.payload.data
        self.provider.codes[code] = Code(
            code,
            dict(self.provider.user),
            request.payload.redirect_uri,
            request.payload.scope,
            asked.get("nonce"),
            asked.get("code_challenge"),
            asked.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        return self.provider.codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del self.provider.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
        return authorization_code.user


class _IdToken(OpenIDCode):
    def __init__(self, provider: OpenIdProvider) -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return any(code.nonce == nonce for code in self.provider.codes.values())

    def encode_id_token(self, token: Any, request: Any) -> str:
        code, now = request.authorization_code, int(time.time())
        claims = {
            "iss": self.provider.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": code.nonce,
            **request.user,
            **self.provider.claims,
        }
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.provider.signing_key)
