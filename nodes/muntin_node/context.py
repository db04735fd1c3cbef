"""What the agent gives to a half when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from muntin_node.config_store import ConfigStore

if TYPE_CHECKING:
    from muntin_node.bus import PanelBus
    from muntin_node.config import NodeConfig
    from muntin_node.panel import PanelClient
    from muntin_node.processes import Processes
    from muntin_node.tokens import NodeTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeContext:
    """One per half: all share the clients, each has a data dir of its own.

    Attributes:
        store: The configuration file and its current value.
        panel: Calls to `<remote>/api/remote`, with the current credentials.
        tokens: Verifies what browsers bring (JWTs signed by the panel).
        processes: Child processes that end with the agent.
        bus: The websocket to the panel; sending never blocks and is lost while the panel is away.
        data_dir: `<system.root_directory>/halves/<name>`, made, mode 0700, kept over restarts.
        boot_id: New for every start of the agent (uuid4 hex).
    """

    store: ConfigStore
    panel: PanelClient
    tokens: NodeTokens
    processes: Processes
    bus: PanelBus
    data_dir: Path
    boot_id: str

    @property
    def config(self) -> NodeConfig:
        """The configuration as it is now. Read it anew each time: the panel may rotate the credentials."""
        return self.store.current
