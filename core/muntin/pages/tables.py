"""What the `table` macro needs to know of a list: where it is, what its address says, which page it is."""

from __future__ import annotations

from typing import Any

from muntin.call import Call
from muntin.schemas import Page


def view(call: Call, page: Page[Any], *, sort: str = "") -> dict[str, Any]:
    """The view of a page of rows.

    Args:
        sort: The order when the address names none, e.g. `-created_at`.
    """
    args = {name: value for name, value in call.request.args.items() if value}
    return {"path": call.request.path, "args": args, "page": page.meta(), "sort": sort}
