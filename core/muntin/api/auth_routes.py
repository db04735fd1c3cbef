"""`/api/v1/auth`: sign in, register, recover."""

from __future__ import annotations

from muntin.access import Actor, SessionRequired
from muntin.accounts import recovery, registration, sessions, signing_in
from muntin.accounts.attempts import count_attempt
from muntin.accounts.errors import (
    AccountExists,
    AccountLocked,
    AccountSuspended,
    ChallengeExpired,
    EmailNotVerified,
    InvalidCode,
    InvalidCredentials,
    InvalidRefreshToken,
    RegistrationDisabled,
    TokenInvalid,
)
from muntin.accounts.inputs import (
    ChallengeInput,
    EmailInput,
    LoginInput,
    LogoutInput,
    RefreshInput,
    RegisterInput,
    ResetInput,
    TokenInput,
)
from muntin.accounts.schemas import (
    Changed,
    Registered,
    RegisteredUnverified,
    Sent,
    TokenPair,
    TwoFactorChallenge,
    Verified,
)
from muntin.accounts.sessions import Device
from muntin.call import Call
from muntin.errors import NotAuthenticated, TooManyRequests
from muntin.routing import Routes

routes = Routes(dialect="native", prefix="/api/v1/auth", tags=("auth",))
MAX_BODY_BYTES = 16 * 1024
"""Strangers send these, and nothing in them is long."""


@routes.post(
    "/login",
    body=LoginInput,
    max_body_bytes=MAX_BODY_BYTES,
    returns=TokenPair | TwoFactorChallenge,
    service=signing_in.sign_in,
    errors=(InvalidCredentials, AccountSuspended, EmailNotVerified, AccountLocked, TooManyRequests),
)
async def log_in(actor: Actor, call: Call, login: LoginInput) -> TokenPair | TwoFactorChallenge:
    """Sign in with a password; answers tokens, or a challenge where a second factor is due."""
    await count_attempt(call)
    device = Device(user_agent=call.user_agent, remember=login.remember)
    answer = await signing_in.sign_in(actor, login=login.email, password=login.password, device=device)
    return answer if isinstance(answer, TwoFactorChallenge) else answer.token_pair()


@routes.post(
    "/login/2fa",
    body=ChallengeInput,
    max_body_bytes=MAX_BODY_BYTES,
    returns=TokenPair,
    service=signing_in.answer_challenge,
    errors=(InvalidCode, ChallengeExpired, AccountLocked, TooManyRequests),
)
async def log_in_second_step(actor: Actor, call: Call, answer: ChallengeInput) -> TokenPair:
    """Second step of a sign-in: a code of the app, or a backup code."""
    await count_attempt(call)
    device = Device(user_agent=call.user_agent)
    opened = await signing_in.answer_challenge(
        actor, challenge_token=answer.challenge_token, code=answer.code, device=device
    )
    return opened.token_pair()


@routes.post(
    "/refresh",
    body=RefreshInput,
    max_body_bytes=MAX_BODY_BYTES,
    returns=TokenPair,
    service=sessions.refresh,
    errors=(InvalidRefreshToken,),
)
async def refresh(actor: Actor, token: RefreshInput) -> TokenPair:
    """Exchange a refresh token; a used one presented again ends its session."""
    return await sessions.refresh(actor, refresh_token=token.refresh_token)


@routes.post(
    "/register",
    body=RegisterInput,
    max_body_bytes=MAX_BODY_BYTES,
    returns=Registered | RegisteredUnverified,
    status=201,
    service=registration.register,
    errors=(RegistrationDisabled, AccountExists, TooManyRequests),
)
async def register(actor: Actor, call: Call, account: RegisterInput) -> Registered | RegisteredUnverified:
    """Make an account for oneself."""
    await count_attempt(call)
    return await registration.register(actor, **account.model_dump(), device=Device(user_agent=call.user_agent))


@routes.post(
    "/logout",
    body=LogoutInput,
    max_body_bytes=MAX_BODY_BYTES,
    status=204,
    service=sessions.sign_out,
    errors=(NotAuthenticated, SessionRequired),
)
async def log_out(actor: Actor, which: LogoutInput) -> None:
    """End this session, or all of the account's."""
    await sessions.sign_out(actor, everywhere=which.all)


@routes.post(
    "/forgot-password",
    body=EmailInput,
    max_body_bytes=MAX_BODY_BYTES,
    returns=Sent,
    service=recovery.request_password_reset,
    errors=(TooManyRequests,),
)
async def forgot_password(actor: Actor, call: Call, whom: EmailInput) -> Sent:
    """Mail a link to set a new password; the answer does not tell whether the account exists."""
    await count_attempt(call)
    return await recovery.request_password_reset(actor, email=whom.email)


@routes.post(
    "/reset-password",
    body=ResetInput,
    max_body_bytes=MAX_BODY_BYTES,
    returns=Changed,
    service=recovery.reset_password,
    errors=(TokenInvalid, TooManyRequests),
)
async def reset_password(actor: Actor, call: Call, reset: ResetInput) -> Changed:
    """Set a new password with the token of a mail."""
    await count_attempt(call)
    return await recovery.reset_password(actor, token=reset.token, email=reset.email, password=reset.password)


@routes.post(
    "/verify-email",
    body=TokenInput,
    max_body_bytes=MAX_BODY_BYTES,
    returns=Verified,
    service=recovery.verify_email,
    errors=(TokenInvalid, TooManyRequests),
)
async def verify_email(actor: Actor, call: Call, link: TokenInput) -> Verified:
    """Confirm an e-mail address with the token of a mail."""
    await count_attempt(call)
    return await recovery.verify_email(actor, token=link.token)


@routes.post(
    "/resend-verification",
    body=EmailInput,
    max_body_bytes=MAX_BODY_BYTES,
    returns=Sent,
    service=recovery.resend_verification,
    errors=(TooManyRequests,),
)
async def resend_verification(actor: Actor, call: Call, whom: EmailInput) -> Sent:
    """Mail the link that confirms an address again."""
    await count_attempt(call)
    return await recovery.resend_verification(actor, email=whom.email)
