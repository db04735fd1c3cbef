"""Apps of tables that a test makes up as it goes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from muntin.database import App
from muntin.database.identifiers import uuid7


class Workshop:
    """Writes apps (models and migrations) into packages that can be imported, each under a name of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def app(self, label: str, models: str = "") -> App:
        """A new app; `models` is the body of its models module after the usual imports."""
        package = f"made_up_{label}_{uuid7().hex}"
        (self.folder / package / "migrations").mkdir(parents=True)
        (self.folder / package / "__init__.py").touch()
        (self.folder / package / "migrations" / "__init__.py").touch()
        imports = "from tortoise import fields\nfrom tortoise.indexes import Index\nfrom muntin.database import Table\n"
        (self.folder / package / "models.py").write_text(imports + dedent(models))
        importlib.invalidate_caches()
        return App(label, f"{package}.models", f"{package}.migrations")

    def write_migration(self, app: App, name: str, body: str) -> None:
        """One migration file of an app; `body` is that of the class."""
        head = dedent("""\
            from tortoise import fields, migrations
            from tortoise.fields.base import OnDelete
            from tortoise.indexes import Index
            from tortoise.migrations import operations as ops
            from tortoise.migrations.constraints import UniqueConstraint


            class Migration(migrations.Migration):
            """)
        folder = self.folder / app.migrations.replace(".", "/")
        indented = "\n".join("    " + line if line else "" for line in dedent(body).strip().splitlines())
        (folder / f"{name}.py").write_text(head + indented + "\n")
        importlib.invalidate_caches()


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    sys.path.insert(0, str(tmp_path))
    yield Workshop(tmp_path)
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("made_up_")]:
        del sys.modules[name]
