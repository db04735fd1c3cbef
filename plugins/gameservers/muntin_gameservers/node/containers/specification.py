"""The two containers of a server: the one that runs it and the one that installs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muntin_gameservers.contract import InstallScript, ServerSettings
from muntin_gameservers.node.containers.account import Account
from muntin_gameservers.node.containers.environment import container_environment
from muntin_gameservers.node.containers.host_files import HOME, bind, custom_mounts, host_file_mounts
from muntin_gameservers.node.containers.limits import Limits, install_limits, run_limits
from muntin_gameservers.node.containers.ports import port_bindings
from muntin_gameservers.node.docker_engine.facts import EngineFeatures
from muntin_node.config import NodeConfig

SERVICE = "muntin"
NODE_LABEL = "muntin.node"
TYPE_LABEL = "ContainerType"
# Kept where a process must be root inside (rootless engines); everywhere else all capabilities are dropped.
DROPPED_OF_ROOT = [
    "SETPCAP", "MKNOD", "AUDIT_WRITE", "NET_RAW", "DAC_OVERRIDE", "FOWNER", "FSETID",
    "NET_BIND_SERVICE", "SYS_CHROOT", "SETFCAP", "SYS_PTRACE",
]  # fmt: skip
DROPPED_OF_INSTALLER = ["NET_RAW", "MKNOD"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a specification needs to know besides the server itself.

    Attributes:
        interface: The host address that stands for 127.0.0.1.
        network_mode: The engine's name of the network the container joins.
    """

    config: NodeConfig
    account: Account
    features: EngineFeatures
    interface: str
    network_mode: str


def image_name(image: str) -> str:
    """The engine's name of an image; the leading `~` only says "never pull"."""
    return image.removeprefix("~")


def installer_name(uuid: str) -> str:
    """Name of a server's install container."""
    return f"{uuid}_installer"


def run_container(
    settings: ServerSettings, around: Surroundings, volume: Path, *, starts_by_itself: bool = True
) -> dict[str, Any]:
    """The container that runs a server: plain user, read-only root, no capabilities, its folder as home.

    Args:
        starts_by_itself: The image runs `STARTUP`; a plain image of a distribution is told to.
    """
    allocations = settings.allocations
    bindings = port_bindings(allocations, interface=around.interface, isolated=around.config.docker.network.ispn)
    mounts = [bind(volume, HOME, read_only=False), *host_file_mounts(around.config, settings.uuid)]
    mounts += custom_mounts(settings.mounts, around.config)
    dropped = DROPPED_OF_ROOT if around.account.runs_as_root else ["ALL"]
    return {
        **_terminal(settings.uuid, image_name(settings.container.image), _environment(settings, around), around),
        **({} if starts_by_itself else {"Cmd": plain_start(settings.invocation)}),
        "User": around.account.container_user,
        "Labels": {**settings.labels, **_labels(around, "server_process")},
        "ExposedPorts": {port: {} for port in bindings},
        "HostConfig": {
            **_host(around, run_limits(settings.build, around.config)),
            "Mounts": mounts,
            "PortBindings": bindings,
            "ReadonlyRootfs": True,
            "CapDrop": dropped,
        },
    }


def plain_start(invocation: str) -> list[str]:
    """How a plain image is made to run the start command, in its folder.

    A single program takes the shell's place, so that it gets the signals; a line of several is left to the shell.
    """
    several = any(sign in invocation for sign in ";&|<>\n")
    return ["/bin/sh", "-c", f'cd {HOME} && eval "{"" if several else "exec "}$STARTUP"']


def install_container(
    settings: ServerSettings, script: InstallScript, around: Surroundings, volume: Path, staging: Path
) -> dict[str, Any]:
    """The container that installs a server: root inside, writable root, but no way around its limits."""
    return {
        **_terminal("installer", image_name(script.container_image), _environment(settings, around), around),
        "Cmd": [script.entrypoint, "/mnt/install/install.sh"],
        "Labels": {**settings.labels, **_labels(around, "server_installer")},
        "HostConfig": {
            **_host(around, install_limits(settings.build, around.config)),
            "Mounts": [
                bind(volume, "/mnt/server", read_only=False),
                bind(staging, "/mnt/install", read_only=False),
            ],
            "CapDrop": DROPPED_OF_INSTALLER,
        },
    }


def _environment(settings: ServerSettings, around: Surroundings) -> dict[str, str]:
    timezone = around.config.system.timezone
    return container_environment(settings, timezone=timezone, interface=around.interface)


def _labels(around: Surroundings, kind: str) -> dict[str, str]:
    return {"Service": SERVICE, TYPE_LABEL: kind, NODE_LABEL: around.config.uuid}


def _terminal(hostname: str, image: str, environment: dict[str, str], around: Surroundings) -> dict[str, Any]:
    return {
        "Hostname": hostname,
        "Domainname": around.config.docker.domainname,
        "Image": image,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Tty": True,
        "OpenStdin": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
    }


def _host(around: Surroundings, limits: Limits) -> dict[str, Any]:
    docker = around.config.docker
    return {
        **limits.host_config(around.features),
        "Tmpfs": {"/tmp": f"rw,exec,nosuid,size={docker.tmpfs_size}M"},  # noqa: S108 - a path inside the container
        "SecurityOpt": ["no-new-privileges"],
        "NetworkMode": around.network_mode,
        "Dns": list(docker.network.dns),
        "LogConfig": {"Type": docker.log_config.type, "Config": dict(docker.log_config.config)},
        "UsernsMode": docker.userns_mode,
    }
