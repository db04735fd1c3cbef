"""Who may call a route, and how a view reaches the state of its half."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from quart import Quart, current_app, request
from werkzeug.datastructures import Headers

from muntin_node.config_store import ConfigStore
from muntin_node.errors import Forbidden, Unauthorised, Unavailable

View = TypeVar("View", bound=Callable[..., Any])
State = TypeVar("State")

PUBLIC = "_muntin_node_public"
STATES = "muntin_node.states"


def public(view: View) -> View:
    """Mark a view that brings its own proof (a JWT in the query, in the first frame): no bearer token is wanted.

    Put it directly above the function, below the route decorator.
    """
    setattr(view, PUBLIC, True)
    return view


def is_public(app: Quart, endpoint: str | None) -> bool:
    """Whether an endpoint opted out of the bearer token."""
    return endpoint is not None and getattr(app.view_functions.get(endpoint), PUBLIC, False)


def require_node_token(store: ConfigStore, headers: Headers | None = None) -> None:
    """Check the bearer token of the current request (or the given headers) against the node's token, in constant time.

    Raises:
        Unauthorised: Header absent or not of the form `Bearer x`.
        Forbidden: Another token.
    """
    token = bearer_token(request.headers if headers is None else headers)
    if not store.current.token or not hmac.compare_digest(token.encode(), store.current.token.encode()):
        raise Forbidden


def bearer_token(headers: Headers) -> str:
    """What follows `Bearer` in the header; also for `@public` views whose proof comes there.

    Raises:
        Unauthorised: Header absent or not of the form `Bearer x`.
    """
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise Unauthorised
    return token


def bind_states(app: Quart, states: Iterable[object]) -> None:
    """Let `state_of` find these objects in this app."""
    app.extensions[STATES] = tuple(state for state in states if state is not None)


def state_of(kind: type[State]) -> State:
    """The state object of the given class that a half put into its `RunningHalf`.

    Raises:
        Unavailable: No running half has such a state.
    """
    for state in current_app.extensions.get(STATES, ()):
        if isinstance(state, kind):
            return state
    raise Unavailable
