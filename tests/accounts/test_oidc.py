"""Signing in through a real OpenID provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from muntin.access import Actor
from muntin.accounts.errors import AccountSuspended, OidcDisabled, OidcFailed, TokenInvalid
from muntin.accounts.models import AccountRow, OidcIdentityRow, SessionRow
from muntin.accounts.oidc import begin_oidc, finish_oidc
from muntin.accounts.provider import ProviderUnavailable
from muntin.accounts.schemas import TwoFactorChallenge
from muntin.accounts.second_factor import lock_secret, new_secret
from muntin.accounts.sessions import Device, OpenedSession
from muntin.settings.sections import OidcSettings
from muntin.settings.stored import lock

from ..openid.provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider

PANEL = "https://panel.example.test"
BROWSER = Device(kind="web", user_agent="Firefox")
STRANGER = Actor.anonymous("198.51.100.1")


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    with OpenIdProvider(PANEL).serving() as provider:
        yield provider


@pytest.fixture
async def trusted(provider: OpenIdProvider, app: Any, change_settings: Any) -> OpenIdProvider:
    """The provider, set up in the panel; it may make accounts."""
    values = {"issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    await change_settings("oidc", enabled=True, create_accounts=True, **lock("oidc", OidcSettings, values))
    return provider


async def at_provider(url: str) -> tuple[str, str]:
    """What the browser brings back: state and code."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
    assert answer.status_code == 302, answer.text
    target = answer.headers["Location"]
    assert target.startswith(PANEL)
    query = parse_qs(urlsplit(target).query)
    return query["state"][0], query["code"][0]


async def sign_in(next_path: str = "/") -> Any:
    begun = await begin_oidc(STRANGER, next_path=next_path)
    state, code = await at_provider(begun.url)
    return await finish_oidc(STRANGER, state=state, code=code, browser_secret=begun.browser_secret, device=BROWSER)


async def test_first_sign_in_makes_an_account_and_the_second_finds_it(trusted: OpenIdProvider) -> None:
    first, second = await sign_in("/servers?page=2"), await sign_in()

    account = await AccountRow.get()
    assert (account.email, account.username, account.first_name, account.role_id) == (
        "ada@example.com",
        "Ada-L",
        "Ada",
        3,
    )
    assert account.email_verified_at is not None
    assert account.password_hash is None
    assert (first.next_path, second.next_path) == ("/servers?page=2", "/")
    assert isinstance(first.outcome, OpenedSession)
    assert {session.account_id for session in await SessionRow.all()} == {account.id}
    [identity] = await OidcIdentityRow.all()
    assert (identity.issuer, identity.subject) == (trusted.issuer, "ada-at-provider")


async def test_request_carries_state_nonce_and_pkce(trusted: OpenIdProvider) -> None:
    begun = await begin_oidc(STRANGER)

    query = parse_qs(urlsplit(begun.url).query)
    assert query["response_type"] == ["code"]
    assert query["scope"] == ["openid email profile"]
    assert query["redirect_uri"] == [f"{PANEL}/sign-in/oidc/callback"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["state"] != query["nonce"]
    assert CLIENT_SECRET not in begun.url


async def test_verified_address_links_an_account_whose_address_is_verified(
    trusted: OpenIdProvider, people: Any, mails: Any
) -> None:
    ada = await people.add("ada")

    await sign_in()

    assert (await OidcIdentityRow.get()).account_id == ada.id
    assert await AccountRow.all().count() == 1
    assert [mail.values["title"] for mail in await mails()] == ["New way to sign in"]


async def test_account_whose_address_was_never_confirmed_is_not_linked(trusted: OpenIdProvider, people: Any) -> None:
    await people.add("ada", verified=False)

    with pytest.raises(OidcFailed):
        await sign_in()

    assert await OidcIdentityRow.all().count() == await SessionRow.all().count() == 0


@pytest.mark.parametrize("verified", [False, None, "true"])
async def test_address_the_provider_did_not_verify_lets_nobody_in(
    trusted: OpenIdProvider, people: Any, verified: object
) -> None:
    await people.add("ada")
    trusted.user["email_verified"] = verified

    with pytest.raises(OidcFailed):
        await sign_in()

    assert await SessionRow.all().count() == 0


async def test_changed_address_at_the_provider_keeps_the_account(trusted: OpenIdProvider) -> None:
    await sign_in()
    trusted.user["email"] = "countess@example.com"

    await sign_in()

    assert (await AccountRow.get()).email == "ada@example.com"


async def test_unknown_person_stays_out_where_no_accounts_are_made(
    trusted: OpenIdProvider, change_settings: Any
) -> None:
    await change_settings("oidc", create_accounts=False)

    with pytest.raises(OidcFailed):
        await sign_in()

    assert await AccountRow.all().count() == 0


async def test_second_factor_of_the_panel_is_still_asked_for(trusted: OpenIdProvider, people: Any) -> None:
    ada = await people.add("ada")
    await AccountRow.filter(id=ada.id).update(two_factor_secret=lock_secret(ada.id, new_secret()))

    finished = await sign_in()

    assert isinstance(finished.outcome, TwoFactorChallenge)
    assert await SessionRow.all().count() == 0


async def test_suspended_account_stays_out(trusted: OpenIdProvider, people: Any) -> None:
    await people.add("ada", status="suspended")

    with pytest.raises(AccountSuspended):
        await sign_in()


async def test_callback_works_once_and_in_its_own_browser_only(trusted: OpenIdProvider) -> None:
    begun = await begin_oidc(STRANGER)
    state, code = await at_provider(begun.url)
    again = await begin_oidc(STRANGER)
    other_state, other_code = await at_provider(again.url)

    with pytest.raises(TokenInvalid):
        await finish_oidc(STRANGER, state=state, code=code, browser_secret=again.browser_secret, device=BROWSER)
    with pytest.raises(TokenInvalid):
        await finish_oidc(STRANGER, state=state, code=code, browser_secret=begun.browser_secret, device=BROWSER)
    with pytest.raises(TokenInvalid):
        await finish_oidc(STRANGER, state="junk", code=code, browser_secret=begun.browser_secret, device=BROWSER)
    finished = await finish_oidc(
        STRANGER, state=other_state, code=other_code, browser_secret=again.browser_secret, device=BROWSER
    )
    assert isinstance(finished.outcome, OpenedSession)


async def test_code_of_another_sign_in_is_refused(trusted: OpenIdProvider) -> None:
    mine, theirs = await begin_oidc(STRANGER), await begin_oidc(STRANGER)
    state, _code = await at_provider(mine.url)
    _state, stolen = await at_provider(theirs.url)

    with pytest.raises(OidcFailed):
        await finish_oidc(STRANGER, state=state, code=stolen, browser_secret=mine.browser_secret, device=BROWSER)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"exp": 1},
        {"exp": None},
        {"iat": 9999999999},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": ""},
    ],
)
async def test_answer_that_is_not_meant_for_this_sign_in_is_refused(
    trusted: OpenIdProvider, claims: dict[str, Any]
) -> None:
    trusted.claims = claims

    with pytest.raises(OidcFailed):
        await sign_in()

    assert await AccountRow.all().count() == 0


async def test_answer_signed_by_another_key_is_refused(trusted: OpenIdProvider) -> None:
    trusted.signing_key = RSAKey.generate_key(2048, {"kid": "k1"})

    with pytest.raises(OidcFailed):
        await sign_in()


async def test_provider_that_is_away_is_said_to_be(trusted: OpenIdProvider, change_settings: Any) -> None:
    await change_settings("oidc", issuer="http://127.0.0.1:9")

    with pytest.raises(ProviderUnavailable):
        await begin_oidc(STRANGER)


async def test_provider_that_speaks_for_another_issuer_is_refused(trusted: OpenIdProvider) -> None:
    trusted.issuer = "https://evil.example"

    with pytest.raises(ProviderUnavailable):
        await begin_oidc(STRANGER)


async def test_nothing_happens_while_it_is_switched_off(trusted: OpenIdProvider, change_settings: Any) -> None:
    await change_settings("oidc", enabled=False)

    with pytest.raises(OidcDisabled):
        await begin_oidc(STRANGER)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\nb"])
async def test_person_is_never_sent_to_another_site(trusted: OpenIdProvider, path: str) -> None:
    assert (await sign_in(path)).next_path == "/"
