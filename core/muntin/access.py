"""Who acts, what they may do, and the one place where a service says so.

An `Actor` is made by the dialect that authenticated the request. A service declares its rule with
`guarded`; there is no other check, so no caller (route, page, job, other plugin) can miss it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, Self, TypeVar, overload
from uuid import UUID

from muntin.errors import Forbidden, NotAuthenticated, NotFound
from muntin.translation import _

if TYPE_CHECKING:
    from tortoise.queryset import QuerySet

ActorKind = Literal["account", "api_key", "node", "system", "anonymous"]


class Grants:
    """A set of permission keys in which `*` and `prefix.*` stand for many."""

    __slots__ = ("_everything", "_exact", "_prefixes", "keys")

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self.keys = frozenset(keys)
        self._everything = "*" in self.keys
        self._prefixes = tuple(key[:-1] for key in self.keys if key.endswith(".*"))
        self._exact = frozenset(key for key in self.keys if not key.endswith("*"))

    def allow(self, permission: str) -> bool:
        """Whether the permission is in the set, by name or by wildcard."""
        return self._everything or permission in self._exact or permission.startswith(self._prefixes or ("\0",))

    def __or__(self, other: Grants) -> Grants:
        return Grants(self.keys | other.keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grants) and other.keys == self.keys

    def __hash__(self) -> int:
        return hash(self.keys)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.keys))

    def __repr__(self) -> str:
        return f"Grants({sorted(self.keys)})"


NOTHING = Grants()
EVERYTHING = Grants(("*",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts in this request or job.

    Attributes:
        grants: What the actor's role allows everywhere.
        scopes: What the credential is limited to (API keys); `None` where it is not.
        address: Where the request came from, after trusted proxies; empty for the system.
        must_enrol: A second factor is demanded of this account and not yet set up.
    """

    kind: ActorKind
    account_id: UUID | None = None
    username: str = ""
    role_id: int | None = None
    role_slug: str = ""
    rate_multiplier: float = 1.0
    grants: Grants = NOTHING
    scopes: Grants | None = None
    address: str = ""
    session_id: UUID | None = None
    key_id: UUID | None = None
    node_id: UUID | None = None
    must_enrol: bool = False

    @classmethod
    def anonymous(cls, address: str = "") -> Self:
        """Nobody in particular."""
        return cls(kind="anonymous", address=address)

    @classmethod
    def system(cls) -> Self:
        """The panel itself, in jobs, event subscribers and the command line."""
        return cls(kind="system", username="system", grants=EVERYTHING)

    @property
    def credential(self) -> str:
        """A stable name of what authenticated the actor; limits are counted by it."""
        by = self.key_id or self.session_id or self.node_id or self.account_id
        return f"{self.kind}:{by}" if by else f"{self.kind}:{self.address}"

    def may(self, permission: str, *, within: Grants = NOTHING) -> bool:
        """Whether role or `within` (rights on one object) allow it, and the credential's scopes do too."""
        allowed = self.grants.allow(permission) or within.allow(permission)
        return allowed and (self.scopes is None or self.scopes.allow(permission))

    def signed_in_as(self, account_id: UUID) -> Self:
        """The same actor acting for another account."""
        return replace(self, account_id=account_id)


class Guardable(Protocol):
    """A row that `guarded(on=...)` can load: it knows who may see it and what they may do with it."""

    @classmethod
    def visible_to(cls, actor: Actor) -> QuerySet[Any]:
        """The rows the actor may know of."""
        ...

    async def rights_of(self, actor: Actor) -> Grants:
        """What the actor may do with this row beyond what their role allows everywhere."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The rule of one service function, readable by route tables, docs and attack tests.

    Attributes:
        permission: A key, or a pattern such as `control.{action}` filled from the keyword argument.
            `None`: everybody, signed in or not.
        among: The values the keyword argument of a pattern may take.
        on: The row class whose id is the function's second argument.
        sessions_only: API keys are refused (`session_required`).
        before_enrolment: Allowed although a demanded second factor is not set up yet.
        own: It reaches only what the actor owns or shares in, which needs no role; a key needs the scope.
    """

    permission: str | None
    on: type[Guardable] | None = None
    among: tuple[str, ...] = ()
    sessions_only: bool = False
    before_enrolment: bool = False
    own: bool = False

    @property
    def within(self) -> Grants:
        """What every actor may do here, whatever their role."""
        return EVERYTHING if self.own else NOTHING

    def permission_for(self, arguments: dict[str, Any]) -> str | None:
        """The permission that this call needs."""
        if self.permission is None or "{" not in self.permission:
            return self.permission
        return self.permission.format_map(arguments)

    @property
    def permissions(self) -> tuple[str, ...]:
        """Every permission a call may need."""
        if self.permission is None:
            return ()
        if "{" not in self.permission:
            return (self.permission,)
        stem = self.permission[: self.permission.index("{")]
        return tuple(stem + value for value in self.among)


class PermissionMissing(Forbidden):
    """The actor lacks a permission.

    Attributes:
        permission: Its key.
    """

    def __init__(self, permission: str) -> None:
        super().__init__(_("You need the permission {permission} to do this.", permission=permission))
        self.permission = permission


class SessionRequired(Forbidden):
    """This can only be done signed in as a person, not with an API key."""

    code = "session_required"
    default_message = "Sign in to do this; an API key is not enough."


class TwoFactorRequired(Forbidden):
    """The panel demands a second factor and the account has none yet."""

    code = "two_factor_required"
    default_message = "Set up two-factor authentication first."


P = ParamSpec("P")
R = TypeVar("R")
Row = TypeVar("Row", bound=Guardable)


@overload
def guarded(
    permission: str | None,
    *,
    among: Iterable[str] = ...,
    sessions_only: bool = ...,
    before_enrolment: bool = ...,
    own: bool = ...,
) -> Callable[[Callable[Concatenate[Actor, P], Awaitable[R]]], Callable[Concatenate[Actor, P], Awaitable[R]]]: ...


@overload
def guarded(
    permission: str | None,
    *,
    on: type[Row],
    among: Iterable[str] = ...,
    sessions_only: bool = ...,
    before_enrolment: bool = ...,
) -> Callable[
    [Callable[Concatenate[Actor, Row, P], Awaitable[R]]], Callable[Concatenate[Actor, Any, P], Awaitable[R]]
]: ...


def guarded(
    permission: str | None,
    *,
    on: Any = None,
    among: Iterable[str] = (),
    sessions_only: bool = False,
    before_enrolment: bool = False,
    own: bool = False,
) -> Any:
    """Declare who may call a service function.

    With `on`, callers pass the id of a row; it is loaded within what the actor may see (else
    `NotFound`), then the permission is checked against the actor's role, their rights on that row and
    the scopes of their credential (else `Forbidden`), and the function gets the row.

    A list of what belongs to the actor says `own=True`: whoever owns a thing may see it without any role, but a key
    must include the permission.

    Example:
        @guarded("control.{action}", on=ServerRow, among=("start", "stop"))
        async def set_power(actor: Actor, server: ServerRow, *, action: str) -> None: ...
    """
    guard = Guard(
        permission=permission,
        on=on,
        among=tuple(among),
        sessions_only=sessions_only,
        before_enrolment=before_enrolment,
        own=own,
    )

    def decorate(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(function)
        async def checked(actor: Actor, *args: Any, **arguments: Any) -> Any:
            refuse_strangers(actor, guard)
            if on is None:
                require(actor, guard.permission_for(arguments), within=guard.within)
                return await function(actor, *args, **arguments)
            row = await visible_row(actor, on, args[0])
            require(actor, guard.permission_for(arguments), within=await row.rights_of(actor))
            return await function(actor, row, *args[1:], **arguments)

        checked.__dict__["guard"] = guard
        return checked

    if "{" in (permission or "") and not guard.among:
        raise ValueError("A permission that depends on the input needs the list of values: among=(...)")
    return decorate


@functools.lru_cache(maxsize=4096)  # asked for with each request
def guard_of(service: Callable[..., Any] | None) -> Guard | None:
    """The rule a service function declared, if it did."""
    found = getattr(inspect.unwrap(service, stop=lambda f: hasattr(f, "guard")), "guard", None) if service else None
    return found if isinstance(found, Guard) else None


def refuse_strangers(actor: Actor, guard: Guard) -> None:
    """What holds before any permission: signed in, by the right kind of credential, second factor set up."""
    if guard.permission is None:
        return
    if actor.kind == "anonymous":
        raise NotAuthenticated
    if guard.sessions_only and actor.kind == "api_key":
        raise SessionRequired
    if actor.must_enrol and not guard.before_enrolment:
        raise TwoFactorRequired


def refuse_early(actor: Actor, guard: Guard | None) -> None:
    """What can be refused before the input is looked at, so that strangers learn nothing from its errors.

    The service checks everything again, and what depends on the input besides.
    """
    if guard is None:
        return
    refuse_strangers(actor, guard)
    if guard.on is None and guard.permission is not None and not guard.among:
        require(actor, guard.permission, within=guard.within)
    elif (
        guard.permissions and actor.scopes is not None and not any(actor.scopes.allow(one) for one in guard.permissions)
    ):
        raise Forbidden(_("The key does not include the permission {permission}.", permission=guard.permission))


def require(actor: Actor, permission: str | None, *, within: Grants = NOTHING) -> None:
    """Refuse unless the actor has the permission.

    Raises:
        PermissionMissing: Names it.
    """
    if permission is not None and not actor.may(permission, within=within):
        raise PermissionMissing(permission)


async def visible_row(actor: Actor, kind: type[Row], row_id: object) -> Row:
    """Load a row within what the actor may see.

    Raises:
        NotFound: It does not exist, or not for this actor.
    """
    row: Row | None = await kind.visible_to(actor).get_or_none(id=row_id)
    if row is None:
        raise NotFound
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A permission that a plugin declares.

    Attributes:
        key: Dotted, e.g. `billing.invoices.pay`.
        group: Heading under which people find it.
        description: One sentence, already translated.
        held_by: Slugs of the built-in roles that have it from the start (`user`, `moderator`).
        on_resource: Granted per object (server, zone ...) to its owner and sub-users rather than by a role.
    """

    key: str
    group: str
    description: str
    held_by: tuple[str, ...] = field(default=())
    on_resource: bool = False
