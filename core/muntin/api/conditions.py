"""`If-Match` on changes: whoever read an older state is told so instead of overwriting a newer one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from muntin.api.dialect import refuse_changed, weak_tag
from muntin.api.json import dumps
from muntin.call import Call


async def refuse_if_changed(call: Call, load: Callable[[], Awaitable[object]]) -> None:
    """Compare the condition of a request, if it has one, with what `GET` answers now.

    Raises:
        PreconditionFailed: It was changed since the caller read it.
    """
    condition = call.request.headers.get("If-Match")
    if condition is not None:
        refuse_changed(condition, tag_of(await load()))


def tag_of(shown: object) -> str:
    """The tag under which `GET` answers this."""
    return weak_tag(dumps({"data": shown}))
