"""One line of a table: a request, and what the contract says is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World

Values = Mapping[str, Any]
Given = Callable[["World"], Awaitable[Values]]


@dataclass(frozen=True, slots=True)
class Row:
    """A request that is answered with this status.

    Attributes:
        route: Method and path after `/api/v1`, as the contract writes them: `DELETE /account/api-keys/{key-id}`.
        code: Of the error; empty for success.
        body: JSON, bytes, or what makes it of the values given.
        given: Prepares the panel and answers values: of the path by their names, and what the body needs. `by` is who
            asks; an administrator unless it says otherwise.
        query: What stands behind the path, with its question mark.
    """

    route: str
    status: int
    code: str = ""
    body: Any = None
    given: Given | None = None
    query: str = ""

    @property
    def name(self) -> str:
        """Method and whole path."""
        method, _space, path = self.route.partition(" ")
        return f"{method} /api/v1{path}"

    def body_of(self, values: Values) -> Any:
        """What is sent."""
        return self.body(values) if callable(self.body) else self.body
