"""Installs plugins that misbehave, each made of the same package and a few lines of data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).parent / "package"
MIGRATION = '''"""The table."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

{before}

class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        ops.CreateModel(
            name="ThingRow",
            fields=[
                ("id", fields.IntField(primary_key=True, generated=True)),
                ("name", fields.CharField(max_length=32)),
            ],
            options={{"table": "{name}_thing", "app": "{name}", "pk_attr": "id"}},
        ),
        {more}
    ]
'''
BROKEN = 'ops.RunSQL("THIS IS NO SQL"),'


def install(folder: Path, name: str, faults: Mapping[str, str] | None = None) -> None:
    """Put a plugin of this name into a folder of `sys.path`, as pip would.

    Args:
        faults: Place -> what it does there, see `package/plugin.py`; `migration` and `template`: `broken`.
    """
    given = dict(faults or {})
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / f"muntin_{name}"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "faults.json").write_text(json.dumps({"name": name, "faults": given}))
    more = BROKEN if given.get("migration") == "broken" else ""
    migration = MIGRATION.format(name=name, before="", more=more)
    (package / "migrations" / "0001_initial.py").write_text(migration)
    templates = package / "templates" / name
    templates.mkdir(parents=True)
    (templates / "hello.txt").write_text("Hello")
    broken = given.get("template") == "broken"
    (templates / "slot.html").write_text("{% if %}" if broken else "<p>{{ text|with_code }}</p>")
    _describe(folder, name)


def _describe(folder: Path, name: str) -> None:
    described = folder / f"muntin_{name}-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: muntin-{name}\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[muntin.plugins]\n{name} = muntin_{name}.plugin\n")
    (described / "RECORD").write_text(f"muntin_{name}/plugin.py,,\n")
