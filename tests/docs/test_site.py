"""The documentation builds as a site."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_site_builds_without_a_warning(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]

    built = subprocess.run(
        command, cwd=root, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )

    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    assert {"index.html", "plugins", "operators"} <= {path.name for path in tmp_path.iterdir()}
