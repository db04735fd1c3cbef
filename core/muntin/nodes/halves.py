"""The two halves of a plugin: which versions nodes report, whether they fit, and refusing those that do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from muntin.access import Actor, guarded
from muntin.contributions import HealthReport, NodeHalfNeeded
from muntin.errors import NodeRefused
from muntin.nodes.models import NodeRow
from muntin.runtime import panel
from muntin.translation import _

HALVES_TOPIC = "halves"
"""On the line to a node: `{name: version}` of the panel's halves; the agent closes those that do not fit."""


class HalfMismatch(NodeRefused):
    """The plugin's half on the node is of another version than its half on the panel."""

    code = "node_half_mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedHalf:
    """A half as the panel has it."""

    plugin: str
    name: str
    version: str
    capabilities: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfOnNode:
    """A half on one node.

    Attributes:
        plugin: Empty where no plugin of the panel wants it.
        wanted: The panel's version, empty where no plugin wants it.
        version: What the node reports; empty where it reports none.
        state: `runs`, `mismatch`, `failed` (see `error`), `missing`, or `unwanted`.
        capabilities: What it does there, in words an operator understands.
    """

    node: str
    plugin: str
    name: str
    wanted: str
    version: str
    state: Literal["runs", "mismatch", "failed", "missing", "unwanted"]
    error: str
    capabilities: tuple[str, ...]


@guarded("admin.nodes.list", on=NodeRow)
async def load_halves(actor: Actor, node: NodeRow) -> tuple[HalfOnNode, ...]:
    """The halves of one node; nothing of a node that never reported any (one that runs Wings)."""
    return halves_of(node)


@guarded("admin.nodes.list")
async def list_halves(actor: Actor, plugin: str) -> tuple[HalfOnNode, ...]:
    """The halves of one plugin on every node that reports halves."""
    rows = await NodeRow.all().order_by("name")
    return tuple(half for row in rows for half in halves_of(row) if half.plugin == plugin)


def wanted_halves() -> dict[str, WantedHalf]:
    """By name, of the loaded plugins: a disabled plugin's half stays on the nodes."""
    versions = {plugin.name: plugin.manifest.version for plugin in panel().registry.plugins}
    return {
        owned.value.name: WantedHalf(
            plugin=owned.plugin,
            name=owned.value.name,
            version=versions[owned.plugin],
            capabilities=owned.value.capabilities,
            paths=owned.value.paths,
        )
        for owned in panel().registry.known(NodeHalfNeeded)
    }


def panel_versions() -> dict[str, str]:
    """What nodes are told."""
    return {half.name: half.version for half in wanted_halves().values()}


def halves_of(node: NodeRow) -> tuple[HalfOnNode, ...]:
    """What the node reported last beside what the panel wants, by name."""
    reported = reported_halves(node.report)
    if reported is None:
        return ()
    wanted = wanted_halves()
    return tuple(_compared(node, name, wanted.get(name), reported.get(name)) for name in sorted({*wanted, *reported}))


def reported_halves(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]] | None:
    """By name; `None` where the node says nothing of halves."""
    halves = report.get("halves")
    if not isinstance(halves, list):
        return None
    return {str(half["name"])[:64]: half for half in halves if isinstance(half, dict) and half.get("name")}


def mismatches(node: NodeRow) -> list[str]:
    """What does not fit, one sentence each."""
    return [mismatch(half) for half in halves_of(node) if half.state == "mismatch"]


def mismatch(half: HalfOnNode) -> str:
    """The sentence for people."""
    return _(
        "{name} is {version} on the node {node} and {wanted} on the panel.",
        name=half.name,
        version=half.version,
        node=half.node,
        wanted=half.wanted,
    )


def refuse_mismatch(node: NodeRow, path: str) -> None:
    """Refuse to call a half that does not fit.

    Args:
        path: Of the call; the longest `NodeHalfNeeded.paths` it begins with says whose it is.

    Raises:
        HalfMismatch: Names the half and both versions.
    """
    if not node.report:
        return
    for half in halves_of(node):
        if half.state == "mismatch" and path.startswith(wanted_halves()[half.name].paths or ("\0",)):
            raise HalfMismatch(mismatch(half), node=node.name, half=half.name)


def same_series(one: str, other: str) -> bool:
    """Whether two versions may work together: the first two numbers are the same."""
    return one.split(".")[:2] == other.split(".")[:2]


async def check_halves() -> HealthReport:
    """Whether every node's halves fit the panel's."""
    found = [
        words
        for row in await NodeRow.filter(maintenance_mode=False)
        if row.status != "offline"
        for words in mismatches(row)
    ]
    if not found:
        return HealthReport(ok=True, summary=_("The plugins on every node fit the panel."))
    remedy = _("Install the panel's version of the plugin on the node, and restart muntin-node there.")
    return HealthReport(ok=False, summary=" ".join(found), remedy=remedy)


def _compared(node: NodeRow, name: str, wanted: WantedHalf | None, reported: Mapping[str, Any] | None) -> HalfOnNode:
    version = str((reported or {}).get("version", ""))[:64]
    error = str((reported or {}).get("error", ""))[:500]
    return HalfOnNode(
        node=node.name,
        plugin=wanted.plugin if wanted else "",
        name=name,
        wanted=wanted.version if wanted else "",
        version=version,
        state=_state(wanted, reported, version, error),
        error=error,
        capabilities=wanted.capabilities if wanted else (),
    )


def _state(
    wanted: WantedHalf | None, reported: Mapping[str, Any] | None, version: str, error: str
) -> Literal["runs", "mismatch", "failed", "missing", "unwanted"]:
    if wanted is None:
        return "unwanted"
    if reported is None:
        return "missing"
    if version and not same_series(version, wanted.version):
        return "mismatch"
    return "failed" if error else "runs"
