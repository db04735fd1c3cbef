"""Who stands above whom: nobody gives away, takes away or touches more than they hold themselves."""

from __future__ import annotations

from muntin.access import Actor, Grants
from muntin.errors import Forbidden
from muntin.translation import _


def covers(actor: Actor, grants: Grants) -> bool:
    """Whether the actor, with the credential they use, may do all of this; wildcards need wildcards."""
    return all(actor.may(key) for key in grants)


def require_covering(actor: Actor, grants: Grants, message: str) -> None:
    """Refuse unless the actor may do all of this themselves.

    Raises:
        Forbidden: Names what is missing.
    """
    missing = [key for key in grants if not actor.may(key)]
    if missing:
        raise Forbidden(_("{message} You lack: {names}.", message=message, names=", ".join(missing)), missing=missing)
