"""Sessions: opened at sign-in, kept alive by refresh tokens or a cookie, listed and ended one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from muntin import audit
from muntin.access import Actor, SessionRequired, guarded
from muntin.accounts import credentials, tokens
from muntin.accounts.errors import InvalidRefreshToken
from muntin.accounts.lookup import is_over
from muntin.accounts.models import AccountRow, SessionKind, SessionRow
from muntin.accounts.schemas import Session, TokenPair
from muntin.database import Transaction, compare_and_set, transaction, uuid7
from muntin.errors import NotAuthenticated
from muntin.runtime import panel
from muntin.schemas import Page, PageQuery
from muntin.settings.sections import SecuritySettings
from muntin.signing import digest, new_token

SORTABLE = ("created_at", "last_active_at", "expires_at", "ip")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSession:
    """A session that was just opened or renewed.

    Attributes:
        secret: The refresh token or the cookie's value; the database keeps its digest only.
        lifetime_s: Seconds from now on.
    """

    id: UUID
    account_id: UUID
    secret: str
    remember: bool
    lifetime_s: int

    def token_pair(self) -> TokenPair:
        """What a program is given for it."""
        return TokenPair(
            access_token=tokens.make_access_token(self.account_id, self.id),
            refresh_token=self.secret,
            expires_in=tokens.ACCESS_TTL_S,
            refresh_expires_in=self.lifetime_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What somebody signs in with: kind of session, and what is known of the program."""

    kind: SessionKind = "api"
    user_agent: str = ""
    remember: bool = False


def lifetime_s() -> int:
    """How long a session lasts, in seconds."""
    return panel().settings.section(SecuritySettings).session_lifetime_minutes * 60


async def open_session(account: AccountRow, address: str, device: Device) -> OpenedSession:
    """Open a session; call it in the transaction of the sign-in."""
    now, session_id, lasts_s = datetime.now(UTC), uuid7(), lifetime_s()
    secret = new_token() if device.kind == "web" else tokens.make_refresh_token(session_id, 0)
    await SessionRow.create(
        id=session_id,
        account_id=account.id,
        kind=device.kind,
        secret_hash=digest(secret),
        ip=address[:45],
        user_agent=device.user_agent[:255],
        remember=device.remember,
        last_active_at=now,
        expires_at=now + timedelta(seconds=lasts_s),
    )
    return OpenedSession(
        id=session_id, account_id=account.id, secret=secret, remember=device.remember, lifetime_s=lasts_s
    )


@guarded(None)
async def refresh(actor: Actor, *, refresh_token: str) -> TokenPair:
    """Exchange a refresh token for a fresh pair; the old one is used up.

    Of two exchanges at once one succeeds. A token presented *after* it was exchanged is somebody's copy:
    then the whole session ends, for whoever holds the newer one too.

    Raises:
        InvalidRefreshToken: Unknown, expired, used, or its account is closed.
    """
    began_at = datetime.now(UTC)
    known = tokens.read_refresh_token(refresh_token)
    if known is None:
        raise InvalidRefreshToken
    session = await SessionRow.get_or_none(id=known.session_id, kind="api").select_related("account")
    if session is None or is_over(session):
        raise InvalidRefreshToken
    if known.generation < session.generation:
        if session.rotated_at is None or session.rotated_at < began_at:
            await _end_copied(actor, session)
        raise InvalidRefreshToken
    return await _rotate(session, refresh_token, actor.address)


async def _rotate(session: SessionRow, refresh_token: str, address: str) -> TokenPair:
    now, lasts_s = datetime.now(UTC), lifetime_s()
    secret = tokens.make_refresh_token(session.id, session.generation + 1)
    won = await compare_and_set(
        SessionRow.filter(id=session.id, secret_hash=digest(refresh_token)),
        secret_hash=digest(secret),
        generation=session.generation + 1,
        rotated_at=now,
        last_active_at=now,
        ip=address[:45],
        expires_at=now + timedelta(seconds=lasts_s),
    )
    if not won:
        raise InvalidRefreshToken  # somebody exchanged it at the same moment
    opened = OpenedSession(
        id=session.id, account_id=session.account_id, secret=secret, remember=session.remember, lifetime_s=lasts_s
    )
    return opened.token_pair()


async def _end_copied(actor: Actor, session: SessionRow) -> None:
    async with transaction() as events:
        await end_sessions(events, session.account_id, only=session.id)
        await audit.record(events, actor, "session.copied_token_used", ("session", session.id), {"ip": session.ip})


async def end_sessions(
    events: Transaction, account_id: UUID, *, only: UUID | None = None, but: UUID | None = None
) -> int:
    """End an account's sessions (one of them, or all but one); how many that were."""
    chosen = SessionRow.filter(account_id=account_id)
    if only is not None:
        chosen = chosen.filter(id=only)
    if but is not None:
        chosen = chosen.exclude(id=but)
    ids = [row["id"] for row in await chosen.values("id")]
    await SessionRow.filter(id__in=ids).delete()
    await credentials.revoke(events, sessions=ids)
    return len(ids)


@guarded("account.sessions")
async def list_sessions(actor: Actor, query: PageQuery) -> Page[Session]:
    """The actor's sessions that are not over."""
    rows = SessionRow.visible_to(actor).filter(expires_at__gt=datetime.now(UTC))
    if query.search:
        rows = rows.filter(Q(ip__icontains=query.search) | Q(user_agent__icontains=query.search))
    order = query.order(SORTABLE, default="-created_at")
    found: list[SessionRow] = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([_session(row, actor) for row in found], await rows.count(), query)


@guarded("account.sessions", on=SessionRow)
async def end_session(actor: Actor, session: SessionRow) -> None:
    """End one session; its access tokens and its open sockets die at once."""
    async with transaction() as events:
        await end_sessions(events, session.account_id, only=session.id)
        await audit.record(events, actor, "session.ended", ("session", session.id))


@guarded("account.sessions")
async def end_other_sessions(actor: Actor) -> None:
    """End all sessions but the one that asks."""
    assert actor.account_id is not None  # noqa: S101 - `guarded` refused strangers
    async with transaction() as events:
        ended = await end_sessions(events, actor.account_id, but=actor.session_id)
        await audit.record(events, actor, "session.others_ended", ("user", actor.account_id), {"ended": ended})


@guarded(None)
async def sign_out(actor: Actor, *, everywhere: bool = False) -> None:
    """End the session that asks, or all of the account's; whoever is signed in may do this.

    Raises:
        NotAuthenticated: Nobody is signed in.
        SessionRequired: An API key is not signed in; it is deleted instead.
    """
    if actor.kind == "api_key":
        raise SessionRequired
    if actor.account_id is None:
        raise NotAuthenticated
    async with transaction() as events:
        await end_sessions(events, actor.account_id, only=None if everywhere else actor.session_id)
        await audit.record(events, actor, "user.signed_out", ("user", actor.account_id), {"everywhere": everywhere})


def _session(row: SessionRow, actor: Actor) -> Session:
    return Session(
        id=row.id,
        ip=row.ip,
        user_agent=row.user_agent,
        is_current=row.id == actor.session_id,
        created_at=row.created_at,
        last_active_at=row.last_active_at,
        expires_at=row.expires_at,
    )


async def delete_past_sessions() -> int:
    """Delete the sessions that have expired; how many that were."""
    return await SessionRow.filter(expires_at__lte=datetime.now(UTC)).delete()
