"""What panel and node tell each other about game servers: the Wings wire format, as pydantic models.

Both halves import this module, so it knows neither of them. Unknown keys are ignored on reading, because two
panels and two daemons speak this protocol with small differences; where they differ, Pelican's form is ours.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NEVER_RAN = -1
"""Exit code of a server whose container could not even be started."""

PowerState = Literal["offline", "starting", "running", "stopping"]
PowerAction = Literal["start", "stop", "restart", "kill"]


def _text(value: object) -> object:
    """Environment values arrive as strings; a number, boolean or null of a careless panel becomes one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _list(value: object) -> object:
    """Null and a lone string stand for a list in older panels."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _object(value: object) -> object:
    """PHP writes an empty object as `[]`."""
    return {} if value is None or value == [] else value


Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[list[str], BeforeValidator(_list)]
TextMap = Annotated[dict[str, Text], BeforeValidator(_object)]
PortMap = Annotated[dict[str, list[int]], BeforeValidator(_object)]


class Wire(BaseModel):
    """Base of every wire model."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ServerMeta(Wire):
    """How people call the server."""

    name: str = ""
    description: str = ""


class BuildLimits(Wire):
    """Limits; 0 means unlimited unless said otherwise."""

    memory_limit: int = Field(0, ge=0, description="MiB")
    swap: int = Field(0, ge=-1, description="MiB on top of memory; -1 unlimited, 0 none")
    io_weight: int = Field(0, ge=0, le=1000, description="10-1000; 0 leaves it to the engine")
    cpu_limit: int = Field(0, ge=0, description="percent, 100 is one core")
    threads: str | None = Field(None, description="cpuset such as 0-1,3")
    disk_space: int = Field(0, description="MiB; below zero refuses every write")
    oom_killer: bool = True

    @model_validator(mode="before")
    @classmethod
    def _pterodactyl_form(cls, data: Any) -> Any:
        """Pterodactyl says the opposite: `oom_disabled`."""
        if isinstance(data, dict) and "oom_disabled" in data and "oom_killer" not in data:
            return {**data, "oom_killer": not data["oom_disabled"]}
        return data


class ContainerImage(Wire):
    """The image; a leading `~` means local, never pulled."""

    image: str
    requires_rebuild: bool = False


class DefaultAllocation(Wire):
    """The address players connect to; 127.0.0.1 and 0 when there is none."""

    ip: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)


class Allocations(Wire):
    """All addresses of the server on this node."""

    force_outgoing_ip: bool = False
    default: DefaultAllocation = DefaultAllocation()
    mappings: PortMap = {}


class Mount(Wire):
    """A folder of the host shown in the container."""

    source: str
    target: str
    read_only: bool = False


class EggFacts(Wire):
    """What the node needs to know of the egg."""

    id: str = ""
    file_denylist: Texts = []
    features: Annotated[dict[str, list[str]], BeforeValidator(_object)] = {}


class ServerSettings(Wire):
    """`settings` of a server configuration: a sync replaces the held one as a whole."""

    id: int | None = None
    uuid: str
    meta: ServerMeta = ServerMeta()
    suspended: bool = False
    environment: TextMap = {}
    invocation: str = ""
    skip_egg_scripts: bool = False
    labels: TextMap = {}
    build: BuildLimits = BuildLimits()
    container: ContainerImage
    allocations: Allocations = Allocations()
    mounts: Annotated[list[Mount], BeforeValidator(_list)] = []
    egg: EggFacts = EggFacts()
    crash_detection_enabled: bool | None = None


class StartupDetection(Wire):
    """`done` entries starting with `regex:` are RE2 patterns, others are looked for as they are."""

    done: Texts = []
    user_interaction: Texts = []
    strip_ansi: bool = False


class StopConfiguration(Wire):
    """`command` writes the value to the console, `signal` sends it, `stop` is the engine's own, empty kills."""

    type: str = ""
    value: str = ""


class Replacement(Wire):
    """One value of a configuration file. `replace_with` keeps its JSON type (boolean, number, string)."""

    match: str
    if_value: Annotated[str | None, BeforeValidator(lambda value: None if value is None else _text(value))] = None
    replace_with: bool | int | float | str = ""


class ConfigurationFile(Wire):
    """A file that is rewritten before every start."""

    file: str
    parser: str
    replace: Annotated[list[Replacement], BeforeValidator(_list)] = []
    create_file: bool = True


class ProcessConfiguration(Wire):
    """How the server says it is ready, how it is stopped, which files are rewritten."""

    startup: StartupDetection = StartupDetection()
    stop: StopConfiguration = StopConfiguration()
    configs: Annotated[list[ConfigurationFile], BeforeValidator(_list)] = []


class ServerConfiguration(Wire):
    """Answer of `GET /api/remote/servers/{uuid}`."""

    settings: ServerSettings
    process_configuration: ProcessConfiguration = ProcessConfiguration()


class InstallScript(Wire):
    """Answer of `GET /api/remote/servers/{uuid}/install`."""

    container_image: str
    entrypoint: str = "bash"
    script: str = ""


class InstallReport(Wire):
    """Body of `POST /api/remote/servers/{uuid}/install`. `reason` is muntin's; other panels ignore it."""

    successful: bool
    reinstall: bool = False
    reason: str = ""


class TransferReport(Wire):
    """Body of `POST /api/remote/servers/{uuid}/transfer/failure`; Wings sends none. `reason` is muntin's."""

    reason: str = ""


class LastExit(Wire):
    """Why the container ended the last time."""

    code: int
    oom: bool
    at: str = Field(description="RFC 3339, UTC")
    reason: str


class StateChange(Wire):
    """`data` of `POST /api/remote/servers/{uuid}/container/status`. `last_exit` is muntin's."""

    previous_state: PowerState
    new_state: PowerState
    last_exit: LastExit | None = None


Count = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A number that JSON and databases take; figures of nodes are not to be trusted."""


class NetworkUsage(Wire):
    """Bytes since the container started."""

    rx_bytes: Count = 0
    tx_bytes: Count = 0


class DiskIo(Wire):
    """Bytes since the container started."""

    read_bytes: Count = 0
    write_bytes: Count = 0


class ResourceUsage(Wire):
    """Figures of one server; all zero but the disk while it is offline."""

    memory_bytes: Count = 0
    memory_limit_bytes: Count = 0
    cpu_absolute: float = Field(0.0, description="percent of one core, 3 decimals")
    network: NetworkUsage = NetworkUsage()
    disk_io: DiskIo = DiskIo()
    uptime: Count = Field(0, description="milliseconds")
    state: PowerState = "offline"
    disk_bytes: Count = 0


class ServerDetails(Wire):
    """One server as the node sees it. The keys after `configuration` are muntin's."""

    state: PowerState
    is_suspended: bool
    utilization: ResourceUsage
    configuration: ServerSettings
    is_installing: bool = False
    is_transferring: bool = False
    last_exit: LastExit | None = None
    engine_error: str | None = None


class CreateRequest(Wire):
    """Body of `POST /api/servers`; the configuration itself is fetched from the panel."""

    uuid: str
    start_on_completion: bool = False


class PowerRequest(Wire):
    """Body of `POST /api/servers/{uuid}/power`; `wait_seconds` is how long to wait for the power lock."""

    action: str
    wait_seconds: int = 30


class ReinstallRequest(Wire):
    """Body of `POST /api/servers/{uuid}/reinstall`; Wings reads none. `wipe` is muntin's: all files go first."""

    wipe: bool = False


class TransferRequest(Wire):
    """Body of `POST /api/servers/{uuid}/transfer`; the keys that say which server it is are passed over."""

    url: str = Field(pattern=r"^https?://[^\s/]", description="the other node's `/api/transfers`")
    token: str = Field(pattern=r"^Bearer [\x21-\x7e]+$", description="the whole header value")


class CommandsRequest(Wire):
    """Body of `POST /api/servers/{uuid}/commands`."""

    commands: list[str]


class DenyRequest(Wire):
    """Body of `POST /api/servers/{uuid}/ws/deny`."""

    jtis: list[str]


class ConsoleFrame(Wire):
    """One websocket message. `seq` numbers the first line of a batch (muntin's extension, asked for by `?muntin=1`)."""

    event: str
    args: list[str] = []
    seq: int | None = None
