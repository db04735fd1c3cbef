"""Real wheels, written by hand: a plugin with a table, a migration, a page, an API and whatever a test wants wrong."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from muntin.plugins.declared import Declared, DeclaredWheel, write_declared

PLUGIN = '''
from __future__ import annotations

from collections.abc import Iterable

from muntin.access import Actor, Permission, guarded
from muntin.contributions import Cron, EventSubscriber, Models, NodeHalfNeeded, SettingsModel, Task
from muntin.database import transaction
from muntin import audit
from muntin.events import Event
from muntin.jobs import enqueue
from muntin.plugins import hookimpl
from muntin.routing import Route, Routes
from pydantic import BaseModel, SecretStr
from typing import ClassVar
from uuid import UUID
from muntin_{name}.models import NoteRow

VERSION = "{version}"
routes = Routes(dialect="native", prefix="/api/v1/{name}", tags=("{name}",))


class NoteWritten(Event):
    """Somebody wrote something."""

    type = "{name}_note.written"
    subject: ClassVar[str] = "note_id"

    note_id: UUID


class Settings(BaseModel):
    """Of the plugin."""

    greeting: str = "hello"
    token: SecretStr | None = None


@guarded("{name}.write")
async def read(actor: Actor) -> dict[str, object]:
    """What is there."""
    return {{"version": VERSION, "notes": [row.text for row in await NoteRow.all().order_by("id")]}}


@guarded("{name}.write")
async def write(actor: Actor) -> dict[str, object]:
    """Keep a note, tell of it, and have work done."""
    async with transaction() as events:
        row = await NoteRow.create(text=f"written by {{VERSION}}")
        events.add(NoteWritten(note_id=row.id, by=actor.account_id))
        await audit.record(events, actor, "{name}_note.written", ("{name}_note", row.id))
        await enqueue(events, "{name}.tidy")
    return await read(actor)


@routes.get("", returns=dict, service=read)
async def show(actor: Actor) -> dict[str, object]:
    """Read."""
    return await read(actor)


@routes.post("", returns=dict, service=write)
async def add(actor: Actor) -> dict[str, object]:
    """Write."""
    return await write(actor)


@hookimpl
def muntin_models() -> Models:
    return Models(label="{name}", modules=("muntin_{name}.models",), migrations="muntin_{name}.migrations")


@hookimpl
def muntin_permissions() -> Iterable[Permission]:
    yield Permission(key="{name}.write", group="{name}", description="Write notes.", held_by=("user",))


@hookimpl
def muntin_routes() -> Iterable[Route]:
    yield from routes


@hookimpl
def muntin_events() -> Iterable[type[Event]]:
    yield NoteWritten


@hookimpl
def muntin_settings() -> Iterable[SettingsModel]:
    yield SettingsModel(section="{name}", model=Settings, title="{name}")


async def tidy(context: object) -> None:
    """Nothing."""


async def hear(event: object) -> None:
    """Nothing."""


@hookimpl
def muntin_jobs() -> Iterable[Task | Cron]:
    yield Task(name="{name}.tidy", handler=tidy)
    yield Cron(name="{name}.often", expression="* * * * *", task="{name}.tidy")


@hookimpl
def muntin_event_subscribers() -> Iterable[EventSubscriber]:
    yield EventSubscriber(name="hear", event_types=("{name}_note.*",), handler=hear)


@hookimpl
def muntin_node_halves() -> Iterable[NodeHalfNeeded]:
    yield NodeHalfNeeded(name="{name}")
'''

MODELS = '''
from tortoise import fields

from muntin.database import Table


class NoteRow(Table):
    """A note."""

    text = fields.TextField()
{more}
    class Meta:
        table = "{name}_note"
'''

FIRST = """
from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from muntin.database.identifiers import uuid7


class Migration(migrations.Migration):
    initial = True
    operations = [
        ops.CreateModel(
            name="NoteRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("text", fields.TextField()),
            ],
            options={{"table": "{name}_note", "app": "{name}", "pk_attr": "id"}},
            bases=["Table"],
        )
    ]
"""

SECOND = """
from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("{name}", "0001_initial")]
    initial = False
    operations = [
        ops.AddField(model_name="NoteRow", name="colour", field=fields.CharField(max_length=16, db_default="white")),
    ]
"""

FAILING = """
from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("{name}", "0002_colour")]
    initial = False
    operations = [
        ops.RunSQL("INSERT INTO {name}_note SELECT * FROM {name}_note", "SELECT 1"),  # fails where there is a row
    ]
"""


@dataclass
class WheelPlan:
    """What a wheel holds; every part can be made wrong.

    Attributes:
        files: Path in the wheel -> content; replaces what is there by default, `None` leaves it out.
        upto: Migrations it comes with: 1, 2, or 3, which fails on a filled table.
    """

    name: str = "notes"
    version: str = "1.0"
    requires: tuple[str, ...] = ("muntin>=0.1",)
    upto: int = 1
    manifest: str | None = None
    entry_points: str | None = None
    metadata: str | None = None
    file_name: str | None = None
    plugin: str = PLUGIN
    files: Mapping[str, str | None] = field(default_factory=dict)
    hashes: bool = True

    @property
    def package(self) -> str:
        """Of its code."""
        return f"muntin_{self.name}"

    @property
    def info(self) -> str:
        """Its `.dist-info`."""
        return f"{self.package}-{self.version}.dist-info"

    def contents(self) -> dict[str, str]:
        """Every file but RECORD."""
        package, name = self.package, self.name
        more = '    colour = fields.CharField(max_length=16, db_default="white")\n' if self.upto > 1 else ""
        migrations = {"0001_initial": FIRST, "0002_colour": SECOND, "0003_failing": FAILING}
        found: dict[str, str | None] = {
            f"{package}/__init__.py": '"""A plugin."""\n',
            f"{package}/plugin.py": self.plugin.format(name=name, version=self.version),
            f"{package}/models.py": MODELS.format(name=name, more=more),
            f"{package}/migrations/__init__.py": "",
            f"{package}/muntin-plugin.toml": self.manifest or f'[plugin]\nname = "{name}"\n',
            f"{self.info}/METADATA": self.metadata or self._metadata(),
            f"{self.info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{self.info}/entry_points.txt": self.entry_points or f"[muntin.plugins]\n{name} = {package}.plugin\n",
        }
        for number, (title, text) in enumerate(migrations.items(), start=1):
            if number <= self.upto:
                found[f"{package}/migrations/{title}.py"] = text.format(name=name)
        return {path: text for path, text in {**found, **self.files}.items() if text is not None}

    def _metadata(self) -> str:
        needs = "".join(f"Requires-Dist: {one}\n" for one in self.requires)
        return f"Metadata-Version: 2.1\nName: muntin-{self.name}\nVersion: {self.version}\nSummary: Notes.\n{needs}"

    def write(self, folder: Path) -> Path:
        """Make the wheel."""
        contents = self.contents()
        path = folder / (self.file_name or f"{self.package}-{self.version}-py3-none-any.whl")
        lines = [f"{one},sha256={digest(text)},{len(text)}" for one, text in contents.items()] if self.hashes else []
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for one, text in contents.items():
                archive.writestr(entry(one), text)
            archive.writestr(entry(f"{self.info}/RECORD"), "\n".join([*lines, f"{self.info}/RECORD,,"]) + "\n")
        return path


def entry(name: str) -> zipfile.ZipInfo:
    """A member of always the same time, so that the same contents are the same wheel."""
    made = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    made.compress_type = zipfile.ZIP_DEFLATED
    return made


def digest(text: str) -> str:
    """As RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def library(folder: Path, name: str = "greetings", version: str = "1.0", requires: tuple[str, ...] = ()) -> Path:
    """A wheel that is no plugin."""
    plan = WheelPlan(
        name=name,
        version=version,
        metadata=f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {one}\n" for one in requires),
    )
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}/__init__.py": f'"""A library."""\n\nVERSION = "{version}"\n',
        f"{info}/METADATA": plan.metadata or "",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for one, text in contents.items():
            archive.writestr(one, text)
        lines = [f"{one},sha256={digest(text)},{len(text)}" for one, text in contents.items()]
        archive.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,"]) + "\n")
    return path


def declare(data_dir: Path, names: Sequence[str]) -> None:
    """Have a panel find these plugins declared when it starts: it builds and loads them."""
    folder = data_dir / "plugins"
    (folder / "wheels").mkdir(parents=True)
    paths = {name: WheelPlan(name=name).write(folder / "wheels") for name in names}
    wheels = (
        DeclaredWheel(
            distribution=f"muntin-{name}",
            version="1.0",
            wheel=path.name,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            plugins=(name,),
        )
        for name, path in paths.items()
    )
    write_declared(folder, Declared(tuple(wheels)))
