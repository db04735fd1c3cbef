"""An image with an apt repository inside: real `apt-get install` in a machine without any network."""

from __future__ import annotations

import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

from .cache import only_one
from .debian import debian_image
from .engine import build, engine, is_there, tag_of

NAME = "muntin-greeting"
CONTROL = f"""Package: {NAME}
Version: 1.0
Architecture: all
Maintainer: muntin tests <tests@muntin.example>
Depends: libc6
Description: Says a greeting
"""
# What packages do while they are installed needs more than a plain user may: owners, users, files below /opt.
AFTERWARDS = """#!/bin/sh
set -e
useradd --system --no-create-home greeter
install -d -o greeter -g greeter /opt/greeting
echo installed >/opt/greeting/state
chown greeter:greeter /opt/greeting/state
"""
PROGRAM = """#!/bin/sh
echo "Greetings from a package"
"""
DOCKERFILE = """
FROM {debian}
COPY repository /opt/packages
RUN echo 'deb [trusted=yes] file:/opt/packages ./' >/etc/apt/sources.list
"""


def local_packages_image() -> str:
    """Name of an image whose apt knows the package `muntin-greeting` and nothing else."""
    client = engine()
    dockerfile = DOCKERFILE.format(debian=debian_image())
    image = tag_of("packages", dockerfile, CONTROL, AFTERWARDS, PROGRAM)
    with only_one():
        if not is_there(client, image):
            with tempfile.TemporaryDirectory(prefix="muntin-packages-") as folder:
                package = _package(Path(folder))
                files: dict[str, bytes | Path] = {
                    f"repository/{package.name}": package,
                    "repository/Packages": _index(package),
                }
                build(client, image, {"Dockerfile": dockerfile.encode(), **files})
    return image


def _package(folder: Path) -> Path:
    """The package's file."""
    for name, content, mode in (
        ("DEBIAN/control", CONTROL, 0o644),
        ("DEBIAN/postinst", AFTERWARDS, 0o755),
        (f"usr/bin/{NAME}", PROGRAM, 0o755),
    ):
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
    target = folder / f"{NAME}_1.0_all.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", str(folder / "tree"), str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return target


def _index(package: Path) -> bytes:
    """The repository's list of packages."""
    content = package.read_bytes()
    place = f"Filename: ./{package.name}\nSize: {len(content)}\nSHA256: {sha256(content).hexdigest()}\n"
    return (CONTROL + place).encode()
