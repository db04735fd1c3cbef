"""A small Debian of the release this machine runs, from the mirror its apt uses."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from .cache import only_one
from .engine import engine, import_root, is_there, tag_of, unavailable

LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache/apt",
            "var/lib/apt/lists", "var/log", "dev", "proc", "sys")  # fmt: skip
KEPT_EMPTY = ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/log/apt", "dev", "proc", "sys")
# Nothing in it leads to the network, and no two machines share an id. Servers run in it as a plain user whose number
# the node chooses, with a root they cannot write to, so there is no account of their own to make.
PREPARE = """
printf 'APT::Get::Assume-Yes "true";\\nAcquire::Languages "none";\\n' >etc/apt/apt.conf.d/90muntin
: >etc/apt/sources.list
: >etc/machine-id
"""


def debian_image() -> str:
    """Name of an image of Debian's smallest variant; made when the engine does not have it."""
    client = engine()
    release = codename()
    image = tag_of("debian", release, PREPARE, *LEFT_OUT)
    with only_one() as folder:
        if not is_there(client, image):
            import_root(client, image, _root(folder, release, image.rpartition(":")[2]), 'CMD ["bash"]')
    return image


def codename() -> str:
    """The release's name, such as `bookworm`."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def mirror(release: str) -> list[str]:
    """The address from which apt takes the release; none where apt is set up otherwise, debootstrap then knows one."""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", form, "Identifier: Packages"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in targets.splitlines():
        address, _, rest = line.partition(" ")
        if rest == f"{release} main":
            return [address]
    return []


def _root(folder: Path, release: str, tag: str) -> Path:
    """The root file system as a file, kept between runs; debootstrap takes a minute or two."""
    kept = folder / f"debian-{release}-{platform.machine()}-{tag}.tar.gz"
    if kept.exists():
        return kept
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        unavailable("an image of Debian is made by root with debootstrap: apt install debootstrap")
    with tempfile.TemporaryDirectory(prefix="muntin-debian-") as parent:
        root = Path(parent, "root")
        _run(["debootstrap", "--variant=minbase", release, str(root), *mirror(release)])
        _run(["sh", "-euc", PREPARE], cwd=root)
        draft = kept.with_suffix(f".{os.getpid()}")
        _pack(root, draft)
        draft.rename(kept)
    return kept


def _pack(root: Path, target: Path) -> None:
    for name in LEFT_OUT:
        shutil.rmtree(root / name, ignore_errors=True)
    for name in KEPT_EMPTY:
        (root / name).mkdir(parents=True, exist_ok=True)
    _run(["tar", "--numeric-owner", "--use-compress-program=gzip -1", "-cf", str(target), "-C", str(root), "."])


def _run(command: list[str], cwd: Path | None = None) -> None:
    """Run a program to its end.

    Raises:
        RuntimeError: It failed; the message is the end of its output.
    """
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
