"""Shapes that every API of the panel shares: input models, pages of lists, sorting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar, dataclass_transform

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from muntin.errors import BadRequest
from muntin.translation import _

T = TypeVar("T")


class Input(BaseModel):
    """A body from outside: unknown keys are refused, so nothing can be smuggled in."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False, frozen=True)


class Query(BaseModel):
    """Values of a query string; unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def one_line(text: str) -> str:
    """Refuse what would break out of a line: control characters, line separators, bidi overrides."""
    if any(ord(character) < 32 or character in "\x7f\u2028\u2029\u202a\u202b\u202c\u202d\u202e" for character in text):
        raise ValueError(_("Control characters and line breaks are not allowed."))
    return text


def no_nul(text: str) -> str:
    """Refuse NUL, which neither PostgreSQL nor file systems take."""
    if "\0" in text:
        raise ValueError(_("The character NUL is not allowed."))
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(one_line)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=191), AfterValidator(one_line)]
Text = Annotated[str, StringConstraints(max_length=65535), AfterValidator(no_nul)]


class PageQuery(Query):
    """Which part of a list, in which order: `?page=2&per_page=25&sort=-created_at,name&search=...`."""

    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=25, ge=1, le=100)
    sort: str = ""
    search: str = Field(default="", max_length=191)

    @property
    def offset(self) -> int:
        """Rows to skip."""
        return (self.page - 1) * self.per_page

    def order(self, sortable: Mapping[str, str] | Sequence[str], *, default: str, tiebreak: str = "id") -> list[str]:
        """The order for Tortoise's `order_by`: only names of the list, the id last.

        Args:
            sortable: Public name -> column, or names that are both.
            default: Used when the caller asks for none, e.g. `-created_at`.

        Raises:
            BadRequest: An unknown name; the message lists those that are known.
        """
        columns = sortable if isinstance(sortable, Mapping) else {name: name for name in sortable}
        order: list[str] = []
        named: set[str] = set()
        for part in (self.sort or default).split(","):
            name = part.strip().removeprefix("-")
            if name not in columns:
                known = ", ".join(sorted(columns))
                raise BadRequest(_("Cannot sort by {name}; known are: {known}.", name=repr(name), known=known))
            if columns[name] not in named:  # a second time says nothing, and databases bound the number of terms
                named.add(columns[name])
                order.append(("-" if part.strip().startswith("-") else "") + columns[name])
        return [*order, tiebreak]


@dataclass_transform(kw_only_default=True, frozen_default=True)
def listed(kind: type[T]) -> type[T]:
    """A frozen dataclass with keywords only, of which lists make many at once.

        @listed
        class Invoice:
            id: UUID
            total_cents: int

    A frozen dataclass sets its fields one by one through `object.__setattr__`; with thirty fields that is most of the
    time a list takes. Here they are taken over as a whole. (It has no slots either: orjson writes it in half the time.)
    """
    made = dataclass(frozen=True, kw_only=True)(kind)
    checked, expected = made.__init__, len(fields(made))  # type: ignore[arg-type]  # it is a dataclass by now

    def __init__(self: Any, **values: Any) -> None:
        if len(values) == expected:
            self.__dict__.update(values)
        else:
            checked(self, **values)  # fills in defaults, or says what is missing

    setattr(made, "__init__", __init__)  # noqa: B010 - assigning it is what mypy forbids
    return made


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: At most `per_page`; empty beyond the end.
        total: Rows of the whole list.
    """

    items: Sequence[T]
    total: int
    page: int
    per_page: int

    @classmethod
    def of(cls, items: Sequence[T], total: int, query: PageQuery) -> Page[T]:
        """The page that the query asked for."""
        return cls(items, total, query.page, query.per_page)

    @property
    def total_pages(self) -> int:
        """At least 1."""
        return max(1, -(-self.total // self.per_page))

    def meta(self) -> dict[str, Any]:
        """As the native API shows it."""
        return {
            "current_page": self.page,
            "per_page": self.per_page,
            "total": self.total,
            "total_pages": self.total_pages,
        }


@dataclass(frozen=True, slots=True)
class PermissionInfo:
    """A permission as people see it."""

    key: str
    group: str
    description: str


def isoformat(moment: datetime) -> str:
    """UTC, RFC 3339 with `Z`, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
