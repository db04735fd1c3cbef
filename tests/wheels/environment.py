"""A clean environment with muntin from built wheels, as an author or operator has it, made without any network.

The wheels of `muntin` and `muntin-node` are built from this tree and installed into a new virtual environment. What
they depend on is not downloaded again: a `.pth` file shows the environment a folder of links to the packages of the
environment that the tests run in, less everything of muntin's own, so that nothing of this tree is importable there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("muntin", "_editable_impl_muntin", "_muntin", "__editable__")
SCRIPTS = ("pip", "pytest")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment.

    Attributes:
        variables: For commands in it: nothing of this process's `MUNTIN_` settings, and its `bin` first.
    """

    folder: Path
    variables: Mapping[str, str]

    def run(self, *command: str, cwd: Path, expect: int = 0) -> str:
        """Run a command of it; what it wrote."""
        done = subprocess.run(
            command, cwd=cwd, env=dict(self.variables), capture_output=True, text=True, timeout=TIMEOUT_S
        )
        said = done.stdout + done.stderr
        assert done.returncode == expect, f"{' '.join(command)} ended with {done.returncode}:\n{said}"
        return said


def make_environment(folder: Path) -> Environment:
    """Build the wheels and install them into a new environment below `folder`."""
    wheels, venv = folder / "wheels", folder / "venv"
    for project in (ROOT, ROOT / "nodes"):
        _run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(project))
    _run(sys.executable, "-m", "venv", "--without-pip", str(venv))
    packages = next(venv.glob("lib/python*/site-packages"))
    (packages / "of_the_tests.pth").write_text(f"{_links(folder / 'packages')}\n")
    for name in SCRIPTS:
        _script(venv, name)
    found = [str(one) for one in wheels.glob("*.whl")]
    _run(str(venv / "bin/python"), "-m", "pip", "--quiet", "install", "--no-deps", "--no-index", *found)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MUNTIN_", "PYTHON"))}
    path = f"{venv / 'bin'}{os.pathsep}{own.get('PATH', '')}"
    return Environment(venv, {**own, "PATH": path, "VIRTUAL_ENV": str(venv), "PIP_NO_INDEX": "1"})


def _links(folder: Path) -> Path:
    """Links to every package that is installed here and is not ours."""
    folder.mkdir(parents=True)
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for one in Path(place).iterdir():
            if not one.name.startswith(OURS) and one.suffix != ".pth":
                (folder / one.name).symlink_to(one)
    return folder


def _script(venv: Path, name: str) -> None:
    """A command whose package is linked rather than installed."""
    run = (
        "import runpy, sys\nsys.argv[0] = {name!r}\nrunpy.run_module({name!r}, run_name='__main__', alter_sys=False)\n"
    )
    path = venv / "bin" / name
    path.write_text(f"#!{venv / 'bin/python'}\n{run.format(name=name)}")
    path.chmod(0o755)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
