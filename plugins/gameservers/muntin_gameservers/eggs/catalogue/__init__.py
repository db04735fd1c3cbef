"""The eggs that come with the plugin, at least one in each exchange format."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_NESTS: Final = {
    "echo-server.json": "Test servers",
    "freeciv.yaml": "Strategy",
    "minetest.json": "Sandbox",
    "openarena.yaml": "Shooters",
    "teeworlds.json": "Shooters",
}


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One egg file of ours, and the nest it belongs in."""

    nest: str
    file_name: str
    data: bytes


def catalogue() -> tuple[CatalogueEntry, ...]:
    """Every egg of ours, by file name."""
    folder = files(__name__)
    return tuple(CatalogueEntry(nest, name, (folder / name).read_bytes()) for name, nest in sorted(_NESTS.items()))
