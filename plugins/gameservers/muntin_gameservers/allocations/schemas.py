"""Input of the allocation routes."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints

from muntin.schemas import Input, Line, PageQuery, no_nul
from muntin.translation import _

MOST_AT_ONCE = 1000
"""Pairs of address and port that one call may add."""

_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


def network(text: str) -> str:
    """An address, or a network of addresses in CIDR form.

    IPv6 zones name an interface of one machine and are refused.
    """
    try:
        found = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(_("This is neither an address nor a network such as 192.0.2.0/28.")) from None
    if "%" in text:
        raise ValueError(_("Addresses with a zone are not supported."))
    if found.num_addresses > MOST_AT_ONCE:
        raise ValueError(_("A network may hold at most {most} addresses.", most=MOST_AT_ONCE))
    return str(found)


def port_range(value: int | str) -> range:
    """`27015`, "27015" or "27015-27030" as the ports it stands for; none for anything else."""
    found = _RANGE.fullmatch(str(value).strip())
    first = int(found[1]) if found else 0
    last = int(found[2] or first) if found else 0
    return range(first, last + 1) if 1 <= first <= last <= 65535 else range(0)


def port(value: object) -> int | str:
    """A port or a range of ports."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not port_range(value):
        raise ValueError(_("Give a port from 1 to 65535, or a range such as 27015-27030."))
    return value


def port_list(values: list[int | str]) -> list[int | str]:
    """Refuse lists that stand for too many ports."""
    if sum(len(port_range(value)) for value in values) > MOST_AT_ONCE:
        raise ValueError(_("At most {most} ports at once.", most=MOST_AT_ONCE))
    return values


Notes = Annotated[str, StringConstraints(max_length=1024), AfterValidator(no_nul)]


class AllocationsIn(Input):
    """New addresses of a node: every address of `ip` with every port of `ports`."""

    ip: Annotated[str, Field(max_length=100, examples=["192.0.2.1", "192.0.2.0/28"]), AfterValidator(network)]
    ports: Annotated[
        list[Annotated[int | str, PlainValidator(port, json_schema_input_type=int | str)]],
        Field(min_length=1, max_length=MOST_AT_ONCE),
        AfterValidator(port_list),
    ]
    alias: Annotated[Line, Field(max_length=191)] | None = None

    @property
    def pairs(self) -> list[tuple[str, int]]:
        """Address and port, in order, each once."""
        ports = sorted({port for value in self.ports for port in port_range(value)})
        return [(str(ip), port) for ip in ipaddress.ip_network(self.ip) for port in ports]


class AllocationChanges(Input):
    """What of a server's allocation is to change; what is left out stays."""

    notes: Notes | None = None
    is_primary: bool | None = None


class NodeAllocationQuery(PageQuery):
    """Which addresses of a node to list."""

    ip: Annotated[str, Field(max_length=45)] = ""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    assigned: bool | None = None
