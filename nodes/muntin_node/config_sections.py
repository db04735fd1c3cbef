"""The sections of a Wings-shaped `config.yml`, field by field, with the defaults of a muntin node.

Names are the file's own keys. Unknown keys are kept, so that a file written for Wings survives a rewrite.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

DEFAULT_ROOT = Path("/var/lib/muntin")
MACHINE_DIRECTORIES = {
    "log_directory": "logs",
    "data": "volumes",
    "archive_directory": "archives",
    "backup_directory": "backups",
    "tmp_directory": "tmp",
}


class Section(BaseModel):
    """A mapping of the file; frozen, unknown keys kept."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True, validate_default=True)


class SslSection(Section):
    enabled: bool = False
    cert: str = ""
    key: str = ""


class RemoteDownloadSection(Section):
    max_redirects: int = Field(default=10, ge=0)


class ApiSection(Section):
    """Where the agent listens; changes take effect when it starts again."""

    host: str = "0.0.0.0"  # noqa: S104 - Wings' default: browsers reach the node directly
    port: int = Field(default=8080, ge=0, le=65535)
    ssl: SslSection = SslSection()
    disable_remote_download: bool = False
    remote_download: RemoteDownloadSection = RemoteDownloadSection()
    upload_limit: int = Field(default=100, ge=0)  # MiB per uploaded file
    trusted_proxies: tuple[str, ...] = ()


class RootlessSection(Section):
    enabled: bool = False
    container_uid: int = 0
    container_gid: int = 0


class GeneratedFilesSection(Section):
    """Files made for containers; an empty directory means `<root_directory>/<section>`."""

    enable: bool = True
    directory: str = ""


class UserSection(Section):
    rootless: RootlessSection = RootlessSection()
    uid: int = Field(default=0, ge=0)  # 0: filled from the account `system.username`
    gid: int = Field(default=0, ge=0)
    passwd: GeneratedFilesSection = GeneratedFilesSection()


class QuotasSection(Section):
    enabled: bool = False


class SftpSection(Section):
    bind_address: str = "0.0.0.0"  # noqa: S104 - Wings' default
    bind_port: int = Field(default=2022, ge=0, le=65535)
    read_only: bool = False
    key_only: bool = False


class CrashDetectionSection(Section):
    enabled: bool = True
    detect_clean_exit_as_crash: bool = True
    timeout: int = Field(default=60, ge=0)  # seconds between automatic restarts; 0 restarts always


class BackupsSection(Section):
    write_limit: int = Field(default=0, ge=0)  # MiB/s; 0 is unlimited
    compression_level: Literal["none", "best_speed", "best_compression"] = "best_speed"
    restore_host_allowlist: tuple[str, ...] = ()
    remove_backups_on_server_delete: bool = True


class StoragePoolSection(Section):
    enabled: bool = False
    pool_name: str = ""


class TransfersSection(Section):
    download_limit: int = Field(default=0, ge=0)  # MiB/s
    storage_pool: StoragePoolSection = StoragePoolSection()


class SystemSection(Section):
    """Folders, accounts and intervals. Folders left out are derived from `root_directory`."""

    root_directory: Path = DEFAULT_ROOT
    log_directory: Path = DEFAULT_ROOT / "logs"
    data: Path = DEFAULT_ROOT / "volumes"
    archive_directory: Path = DEFAULT_ROOT / "archives"
    backup_directory: Path = DEFAULT_ROOT / "backups"
    tmp_directory: Path = DEFAULT_ROOT / "tmp"
    username: str = "muntin"
    timezone: str = ""
    user: UserSection = UserSection()
    machine_id: GeneratedFilesSection = GeneratedFilesSection()
    disk_check_interval: int = Field(default=150, ge=0)  # seconds a disk size stays cached; 0: no checks
    quotas: QuotasSection = QuotasSection()
    activity_send_interval: int = Field(default=60, ge=1)  # seconds
    activity_send_count: int = Field(default=100, ge=1)
    check_permissions_on_boot: bool = True
    enable_log_rotate: bool = True
    websocket_log_count: int = Field(default=150, ge=0)
    sftp: SftpSection = SftpSection()
    crash_detection: CrashDetectionSection = CrashDetectionSection()
    crash_detection_activity_lines: int = Field(default=2, ge=0)
    backups: BackupsSection = BackupsSection()
    transfers: TransfersSection = TransfersSection()
    openat_mode: Literal["auto", "openat", "openat2"] = "auto"  # read for Wings' sake; muntin always uses openat2

    @model_validator(mode="before")
    @classmethod
    def _directories_below_root(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        root = Path(str(value.get("root_directory") or DEFAULT_ROOT))
        derived: dict[str, Any] = {key: root / name for key, name in MACHINE_DIRECTORIES.items()}
        given = {key: wanted for key, wanted in value.items() if wanted is not None and str(wanted) != ""}
        return {**derived, "root_directory": root, **given}

    @field_validator("root_directory", *MACHINE_DIRECTORIES)
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        if not value.is_absolute():  # Docker binds no other, and the agent may be started anywhere
            raise ValueError("a folder is named by its whole path, from / on")
        return value

    @property
    def passwd_directory(self) -> Path:
        """Where generated passwd and group files lie."""
        return Path(self.user.passwd.directory or self.root_directory / "passwd")

    @property
    def machine_id_directory(self) -> Path:
        """Where machine ids of servers lie."""
        return Path(self.machine_id.directory or self.root_directory / "machine-id")


class V4Section(Section):
    subnet: str = "172.18.0.0/16"
    gateway: str = "172.18.0.1"


class V6Section(Section):
    subnet: str = "fdba:17c8:6c94::/64"
    gateway: str = "fdba:17c8:6c94::1011"


class InterfacesSection(Section):
    v4: V4Section = V4Section()
    v6: V6Section = V6Section()


class NetworkSection(Section):
    """The Docker network of the servers."""

    interface: str = "172.18.0.1"  # host address that replaces 127.0.0.1
    dns: tuple[str, ...] = ("1.1.1.1", "1.0.0.1")
    name: str = "muntin_nw"
    ispn: bool = False
    ipv6: bool = Field(default=True, alias="IPv6")
    driver: str = "bridge"
    network_mode: str = "muntin_nw"
    is_internal: bool = False
    enable_icc: bool = True
    network_mtu: int = Field(default=1500, ge=576)
    interfaces: InterfacesSection = InterfacesSection()


class RegistrySection(Section):
    username: str = ""
    password: str = ""


class InstallerLimitsSection(Section):
    memory: int = Field(default=1024, ge=0)  # MB, a floor
    cpu: int = Field(default=100, ge=0)  # percent, a floor; 0 is unlimited


class OverheadSection(Section):
    override: bool = False
    default_multiplier: float = 1.05
    multipliers: dict[int, float] = {}


class LogConfigSection(Section):
    type: str = "local"
    config: dict[str, str] = {"max-size": "5m", "max-file": "1", "compress": "false", "mode": "non-blocking"}


class DockerSection(Section):
    network: NetworkSection = NetworkSection()
    domainname: str = ""
    registries: dict[str, RegistrySection] = {}
    tmpfs_size: int = Field(default=100, ge=0)  # MB
    container_pid_limit: int = Field(default=512, ge=0)
    installer_limits: InstallerLimitsSection = InstallerLimitsSection()
    overhead: OverheadSection = OverheadSection()
    use_performant_inspect: bool = True
    userns_mode: str = ""
    log_config: LogConfigSection = LogConfigSection()
    system_ips: tuple[str, ...] = ()


class ThrottlesSection(Section):
    enabled: bool = True
    lines: int = Field(default=2000, ge=1)
    line_reset_interval: int = Field(default=100, ge=1)  # ms


class RemoteQuerySection(Section):
    timeout: float = Field(default=30, gt=0)  # seconds per attempt
    boot_servers_per_page: int = Field(default=50, ge=1)
    custom_headers: dict[str, str] = {}


class SearchSection(Section):
    blacklisted_dirs: tuple[str, ...] = ("node_modules", ".git", ".wine", "appcache", "depotcache", "vendor")
    max_recursion_depth: int = Field(default=8, ge=0)


class MuntinSection(Section):
    """What only muntin's agent knows.

    Attributes:
        halves: Names of the halves to start; None starts all that are installed.
    """

    halves: tuple[str, ...] | None = None
