"""Programs that start in a fork behave as if Python had started them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from muntin.testing.forks import Ended, Forks
from muntin.testing.waiting import until

PROGRAM = """
import os, sys
sys.stderr.write(f"{sys.argv[1:]} {sys.path[0]} {os.getcwd()}")
print(os.environ["GREETING"], sys.stdin.read(), sorted(os.environ))
sys.exit(3)
"""
ENDLESS = """
import time
print("here", flush=True)
time.sleep(600)
"""


async def test_program_has_its_arguments_environment_input_and_exit_code(forks: Forks, tmp_path: Path) -> None:
    place, program = tmp_path / "place", tmp_path / "program.py"
    place.mkdir()
    program.write_text(PROGRAM)

    ended = await forks.run(str(program), "a", "b c", environment={"GREETING": "hello"}, cwd=place, typed="you\n")

    assert ended == Ended(3, "hello you\n ['GREETING']\n", f"['a', 'b c'] {tmp_path} {place}")


async def test_module_is_run_as_by_python(forks: Forks, tmp_path: Path) -> None:
    (tmp_path / "said.py").write_text("import sys\nprint(__name__, sys.argv[1:], sys.path[0])\n1 / 0\n")

    ended = await forks.run("-m", "said", "x", environment={}, cwd=tmp_path)

    assert (ended.code, ended.said) == (1, f"__main__ ['x'] {tmp_path}\n")
    assert ended.complained.endswith("ZeroDivisionError: division by zero\n")


async def test_command_of_muntin_is_the_same_as_in_a_real_process(forks: Forks, tmp_path: Path) -> None:
    environment = {"MUNTIN_DATA_DIR": str(tmp_path), "MUNTIN_PLUGINS": "none", "PATH": os.environ["PATH"]}

    ended = await forks.run("-m", "muntin.cli", "settings", "list", environment=environment)

    assert (ended.code, ended.said) == (1, "")
    assert ended.complained.startswith("There is no database yet.\n")


async def test_running_program_is_signalled_and_its_end_is_known(forks: Forks, tmp_path: Path) -> None:
    program, log = tmp_path / "endless.py", tmp_path / "log"
    program.write_text(ENDLESS)
    log.touch()

    fork = await forks.start(str(program), environment={}, log=log)
    await until(lambda: log.read_text() == "here\n")
    before = fork.returncode
    fork.kill()
    code = await fork.wait()

    assert (before, code, fork.returncode) == (None, -signal.SIGKILL, -signal.SIGKILL)
    assert fork.pid not in {os.getpid(), os.getppid()}
