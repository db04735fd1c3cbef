"""Names for accounts whose person was not asked for one."""

from __future__ import annotations

import re
import secrets

from muntin.accounts.models import AccountRow

_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


async def free_username(wish: str) -> str:
    """A username like the wish (an e-mail address will do) that nobody has yet."""
    stem = _STRANGE.sub("-", wish.partition("@")[0]).strip("._-")[:56]
    name = stem if len(stem) >= 3 else f"user-{stem}".strip("-")
    while await AccountRow.exists(username_key=name.lower()):
        name = f"{stem or 'user'}-{secrets.token_hex(3)}"
    return name
