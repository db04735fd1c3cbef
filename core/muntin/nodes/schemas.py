"""Input of the node routes, and nodes as the native API shows them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, FiniteFloat

from muntin.schemas import Input, Line, PageQuery, Text
from muntin.translation import _

_HOST = re.compile(
    r"(?=.{1,253}\Z)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\Z"
)


def host(value: str) -> str:
    """A host name (RFC 1123) or an address; no IPv6 zone, which is free text and means something to one machine."""
    try:
        if "%" in value:
            raise ValueError
        return str(ipaddress.ip_address(value))
    except ValueError:
        if not _HOST.match(value):
            raise ValueError(_("This is neither a host name nor an address.")) from None
        return value.lower()


NodeName = Annotated[Line, Field(min_length=1, max_length=100)]
Location = Annotated[Line, Field(max_length=191)]
Host = Annotated[str, AfterValidator(host)]
Port = Annotated[int, Field(ge=1, le=65535)]
Mib = Annotated[int, Field(ge=0, le=2**40)]
Overallocate = Annotated[int, Field(ge=-1, le=10_000)]
Directory = Annotated[Line, Field(max_length=255, pattern=r"^(/.*)?$")]


class NodeIn(Input):
    """A new node."""

    name: NodeName
    description: Text | None = None
    location: Location | None = None
    fqdn: Host
    scheme: Literal["http", "https"] = "https"
    daemon_port: Port = 8080
    sftp_port: Port = 2022
    behind_proxy: bool = False
    is_public: bool = True
    maintenance_mode: bool = False
    memory: Mib
    memory_overallocate: Overallocate = 0
    disk: Mib
    disk_overallocate: Overallocate = 0
    cpu: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    upload_size: Annotated[int, Field(ge=1, le=1024 * 1024)] = 100
    data_directory: Directory = ""


class NodeChanges(Input):
    """What of a node is to change; what is left out stays."""

    name: NodeName | None = None
    description: Text | None = None
    location: Location | None = None
    fqdn: Host | None = None
    scheme: Literal["http", "https"] | None = None
    daemon_port: Port | None = None
    sftp_port: Port | None = None
    behind_proxy: bool | None = None
    is_public: bool | None = None
    maintenance_mode: bool | None = None
    memory: Mib | None = None
    memory_overallocate: Overallocate | None = None
    disk: Mib | None = None
    disk_overallocate: Overallocate | None = None
    cpu: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    upload_size: Annotated[int, Field(ge=1, le=1024 * 1024)] | None = None
    data_directory: Directory | None = None


class NodeQuery(PageQuery):
    """Which nodes to list."""

    status: Literal["online", "offline", "error", "maintenance"] | None = None


class EnrolIn(Input):
    """The one-time token that makes a machine a node."""

    token: Annotated[str, Field(min_length=1, max_length=255)]


Bytes = Annotated[int, Field(ge=0, lt=2**63)]


class Utilization(BaseModel):
    """What `GET /api/system/utilization` of a node answers, as far as it is shown; sizes in bytes."""

    cpu_percent: FiniteFloat = 0.0
    memory_total: Bytes = 0
    memory_used: Bytes = 0
    disk_total: Bytes = 0
    disk_used: Bytes = 0
    load_average1: FiniteFloat = 0.0
    load_average5: FiniteFloat = 0.0
    load_average15: FiniteFloat = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedOut:
    """What the workloads of a node were promised."""

    memory: int = 0
    disk: int = 0
    cpu: int = 0
    servers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node; sizes in MiB, `cpu` in percent of one core."""

    id: UUID
    name: str
    description: str | None
    location: str | None
    fqdn: str
    scheme: str
    daemon_port: int
    sftp_port: int
    behind_proxy: bool
    is_public: bool
    maintenance_mode: bool
    status: str
    memory: int
    memory_overallocate: int
    disk: int
    disk_overallocate: int
    cpu: int | None
    upload_size: int
    allocated: AllocatedOut
    daemon_version: str | None
    last_seen_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWithToken(Node):
    """A node and its credential, shown once."""

    daemon_token_id: str
    daemon_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfiguration:
    """What the agent (or Wings) keeps in its configuration file."""

    uuid: UUID
    token_id: str
    token: str
    api: dict[str, Any]
    system: dict[str, Any]
    remote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Bytes there are and bytes in use."""

    total: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Bytes since the machine started."""

    rx: int
    tx: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStats:
    """Figures of the machine: `cpu` in percent of all cores, `uptime` in seconds."""

    cpu: float
    memory: Gauge
    disk: Gauge
    network: Traffic
    load: list[float]
    uptime: int
    servers_running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentToken:
    """What `muntin-node configure` needs, once."""

    token: str
    expires_at: datetime
    command: str
