"""Input of the game server routes, and servers as the native API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from muntin.schemas import Input, Name, PageQuery, Query, Text, listed, one_line
from muntin.translation import _

Mib = Annotated[int, Field(ge=0, le=2**31)]
Percent = Annotated[int, Field(ge=0, le=1_000_000)]
Limit = Annotated[int, Field(ge=0, le=10_000)]
Image = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^~?[A-Za-z0-9][A-Za-z0-9._:/@-]*$")]
Environment = Annotated[dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,191}$")], str], Field(max_length=200)]
Startup = Annotated[str, Field(max_length=8192), AfterValidator(one_line)]
Action = Literal["start", "stop", "restart", "kill"]
LEAST_MEMORY_MIB = 128


def _enough(memory_mib: int) -> int:
    if 0 < memory_mib < LEAST_MEMORY_MIB:
        raise ValueError(_("At least {least} MiB, or 0 for no limit.", least=LEAST_MEMORY_MIB))
    return memory_mib


Memory = Annotated[int, Field(ge=0, le=2**31), AfterValidator(_enough)]


class Deploy(Input):
    """Where to look for a place."""

    location_ids: list[UUID] = []
    dedicated_ip: bool = False
    port_range: Annotated[list[str], Field(max_length=100)] = []


class ServerIn(Input):
    """A new game server."""

    name: Name
    user_id: UUID
    node_id: UUID | None = None
    egg_id: UUID
    allocation_id: UUID | None = None
    memory: Memory
    cpu: Percent = 0
    disk: Mib = 0
    swap: Annotated[int, Field(ge=-1, le=2**31)] = 0
    io: Annotated[int, Field(ge=10, le=1000)] = 500
    databases_limit: Limit = 0
    backups_limit: Limit = 0
    allocations_limit: Limit = 1
    description: Text | None = None
    external_id: Name | None = None
    startup: Startup | None = None
    image: Image | None = None
    environment: Environment = {}
    additional_allocation_ids: Annotated[list[UUID], Field(max_length=100)] = []
    skip_install: bool = False
    start_on_completion: bool = False
    deploy: Deploy | None = None


class ServerChanges(Input):
    """What of a game server an administrator changes; what is left out stays."""

    name: Name | None = None
    user_id: UUID | None = None
    egg_id: UUID | None = None
    allocation_id: UUID | None = None
    memory: Memory | None = None
    cpu: Percent | None = None
    disk: Mib | None = None
    swap: Annotated[int, Field(ge=-1, le=2**31)] | None = None
    io: Annotated[int, Field(ge=10, le=1000)] | None = None
    databases_limit: Limit | None = None
    backups_limit: Limit | None = None
    allocations_limit: Limit | None = None
    description: Text | None = None
    external_id: Name | None = None
    startup: Startup | None = None
    image: Image | None = None
    environment: Environment | None = None
    additional_allocation_ids: Annotated[list[UUID], Field(max_length=100)] | None = None
    skip_install: bool | None = None
    start_on_completion: bool | None = None


class ServerQuery(PageQuery):
    """Which of one's servers to list."""

    status: str = ""
    node_id: UUID | None = None
    type: Literal["owner", "subuser", "all"] = "all"


class AdminServerQuery(PageQuery):
    """Which servers to list."""

    status: str = ""
    user_id: UUID | None = None
    node_id: UUID | None = None
    egg_id: UUID | None = None
    external_id: Annotated[str, Field(max_length=191)] = ""


class ActivityQuery(PageQuery):
    """Which of what was done: one event, or a family of them (`server.power.*`)."""

    event: Annotated[str, Field(max_length=128)] = ""


class DeletionQuery(Query):
    """How to delete."""

    force: bool = False


class PowerIn(Input):
    """A power action."""

    action: Action


class CommandIn(Input):
    """One line for the console."""

    command: Annotated[str, Field(min_length=1, max_length=2048), AfterValidator(one_line)]


class SuspensionIn(Input):
    """Why a server is suspended."""

    reason: Text | None = None


class ReinstallIn(Input):
    """How to reinstall."""

    wipe: bool = False


class TransferIn(Input):
    """Where a server is moved to: a node, the server's primary address there, and further ones."""

    node_id: UUID
    allocation_id: UUID
    additional_allocation_ids: Annotated[list[UUID], Field(max_length=100)] = []


class SettingsIn(Input):
    """What owners may call their server."""

    name: Name | None = None
    description: Text | None = None


class LogQuery(Query):
    """How much of the console."""

    lines: Annotated[int, Field(ge=1, le=1000)] = 100


@listed
class Allocation:
    """An address and port."""

    id: UUID
    node_id: UUID
    ip: str
    alias: str | None
    port: int
    server_id: UUID | None
    is_primary: bool
    notes: str | None
    created_at: datetime


@listed
class SftpAddress:
    """Where and as whom to reach the files."""

    host: str
    port: int
    username: str


@listed
class Server:
    """A game server; `memory`, `disk`, `swap` in MiB, `cpu` in percent of one core.

    `environment` holds what the reader may see of the variables, in lists only for administrators;
    `problem` says why the server is not as wanted.
    """

    id: UUID
    short_id: str
    external_id: str | None
    name: str
    description: str | None
    status: str
    is_suspended: bool
    is_locked: bool
    memory: int
    cpu: int
    disk: int
    swap: int
    io: int
    databases_limit: int
    backups_limit: int
    allocations_limit: int
    user_id: UUID
    node_id: UUID
    egg_id: UUID
    allocation_id: UUID | None
    allocation: Allocation | None
    image: str
    startup: str
    environment: Mapping[str, str]
    sftp: SftpAddress
    is_owner: bool
    permissions: tuple[str, ...]
    problem: str
    installed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Bytes since the server started."""

    rx: int
    tx: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerResources:
    """What a server uses: bytes, `cpu` in percent of one core, `uptime` in seconds."""

    status: str
    cpu: float
    memory: int
    memory_limit: int
    disk: int
    disk_limit: int
    network: Traffic
    uptime: int
    sampled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerAccepted:
    """The node took the order; the change itself is told by the websocket."""

    action: str
    accepted: bool
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSent:
    """The node took the line."""

    sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLines:
    """The end of the console, oldest line first."""

    lines: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStarted:
    """The move is ordered; how it ends is told by the server's status and by events."""

    accepted: bool
    transfer_id: UUID
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRights:
    """What the caller may do with a server."""

    permissions: tuple[str, ...]
    is_owner: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A one-time permission to open the console's websocket."""

    ticket: str
    url: str
    expires_at: datetime
