"""Which tables belong together: the core's, and those of each plugin."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LABEL = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class App:
    """The tables of the core or of one plugin, and the history of their form.

    `label` is the plugin's id and the first part of its tables' names; foreign keys name other tables as
    `"label.Model"`.
    """

    label: str
    models: str | tuple[str, ...]  # modules that define the tables
    migrations: str  # package that holds the migration files

    def __post_init__(self) -> None:
        if not _LABEL.match(self.label):
            raise ValueError(f"an app's label is lower case letters, digits and _: {self.label!r}")

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that define the tables."""
        return (self.models,) if isinstance(self.models, str) else self.models
