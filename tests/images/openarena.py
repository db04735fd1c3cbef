"""A real game in an image: OpenArena's dedicated server, from Debian's packages.

Of the 400 MB of game data only what a server with one of the original maps reads: 112 MB of packages.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from .cache import only_one
from .debian import codename, debian_image
from .engine import build, engine, is_there, tag_of, unavailable

PACKAGES = ("ioquake3-server", "openarena-server", "openarena-data", "openarena-081-maps", "openarena-081-misc")
DOCKERFILE = """
FROM {debian}
COPY usr /usr
"""


def openarena_image() -> str:
    """Name of an image that holds the game where its Debian packages put it; made when the engine does not have it."""
    client = engine()
    debian = debian_image()
    with only_one() as folder:
        packages = _packages(folder / f"openarena-{codename()}")
        dockerfile = DOCKERFILE.format(debian=debian)
        image = tag_of("openarena", dockerfile, *sorted(path.name for path in packages))
        if not is_there(client, image):
            with tempfile.TemporaryDirectory(prefix="muntin-openarena-") as unpacked:
                _unpack(packages, Path(unpacked))
                build(client, image, {"Dockerfile": dockerfile.encode(), "usr": Path(unpacked, "usr")})
    return image


def _packages(folder: Path) -> list[Path]:
    """The packages' files, fetched once; their names hold their versions."""
    folder.mkdir(exist_ok=True)
    for package in PACKAGES:
        if not any(folder.glob(f"{package}_*.deb")):
            _fetch(package, folder)
    return [path for package in PACKAGES for path in folder.glob(f"{package}_*.deb")]


def _unpack(packages: list[Path], root: Path) -> None:
    """Unpacked, not installed: the client's data that Debian also asks for is left out, and so are links to it."""
    for package in packages:
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True, stdin=subprocess.DEVNULL)
    for path in (root / "usr").rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()


def _fetch(package: str, folder: Path) -> None:
    done = subprocess.run(
        ["apt-get", "-qq", "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root", "download", package],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"},
    )  # fmt: skip
    if done.returncode != 0:
        unavailable(f"{package} cannot be fetched with apt-get: {done.stderr.strip()[-500:]}")
