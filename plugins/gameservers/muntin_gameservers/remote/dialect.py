"""The node dialect under the prefix that Wings calls."""

from __future__ import annotations

from typing import ClassVar

from muntin.nodes.dialect import NodeDialect


class WingsDialect(NodeDialect):
    """Same credential and same form of errors as the core's node dialect."""

    name: ClassVar[str] = "wings"
    prefixes: ClassVar[tuple[str, ...]] = ("/api/remote",)
