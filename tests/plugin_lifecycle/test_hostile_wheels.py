"""Wheels and manifests that are wrong are refused before anything of them runs, with the file and the field."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from muntin.plugins.installing.wheels import MAX_UNPACKED_MIB, open_wheel, unpack
from muntin.plugins.manifest_file import PluginRefused, read_manifest_file

from .wheels import WheelPlan

META = "Metadata-Version: 2.1\nName: muntin-notes\nVersion: 1.0\n"


def refusal(path: Path) -> str:
    """What is said of a wheel that is not taken."""
    with pytest.raises(PluginRefused) as refused:
        open_wheel(path)
    return refused.value.reason


def test_sound_wheel_shows_what_it_is_without_being_imported(tmp_path: Path) -> None:
    manifest = '[plugin]\nname = "notes"\nmuntin = ">=0.1,<9"\n[plugin.requires]\ntags = ">=2"\n' + (
        '[capabilities]\nnetwork = ["api.example.com", "*.example.org:443"]\nnode_code = true\n'
        'secrets = ["A token"]\ntables = ["notes_note"]\n'
    )
    plan = WheelPlan(manifest=manifest, plugin="raise SystemExit('{name} {version} was imported')")

    found = open_wheel(plan.write(tmp_path)).manifests["notes"]

    assert (found.name, found.version, found.distribution) == ("notes", "1.0", "muntin-notes")
    assert set(found.muntin.split(",")) == {">=0.1", "<9"}
    assert found.needs == {"tags": ">=2"}
    assert found.capabilities.in_words() == (
        "Talks to: api.example.com, *.example.org:443",
        "Runs code on nodes",
        "Keeps secrets: A token",
        "Keeps tables: notes_note",
    )


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        ("not [ toml", "is not TOML"),
        ("x = " + "[" * 20_000 + "]" * 20_000, "is not TOML"),
        ('[plugin]\nname = "n' + "o" * 70_000 + '"', "is larger than 64 KiB"),
        ("[plugin]\nname = 5", "plugin.name"),
        ('[plugin]\nname = "../../etc"', "plugin.name"),
        ('[plugin]\nname = "other"', "plugin.name is other"),
        ('[plugin]\nmuntin = "as you like"', "plugin.muntin"),
        ('[plugin]\nmuntin = ["1"]', "plugin.muntin"),
        ('[plugin]\nrequires = "tags"', "plugin.requires"),
        ('[plugin.requires]\n"../x" = ">=1"', "plugin.requires"),
        ('[plugin.requires]\ntags = "1 && rm"', "plugin.requires.tags"),
        ("[capabilities]\nnode_code = 1", "capabilities.node_code"),
        ('[capabilities]\nnetwork = "example.com"', "capabilities.network"),
        ('[capabilities]\nnetwork = ["http://a b"]', "capabilities.network.0"),
        ("[capabilities]\nnetwork = [" + '"a.b",' * 200 + "]", "capabilities.network"),
        ('[capabilities]\nsecrets = ["\\u001b[31m red"]', "capabilities.secrets.0"),
        ('[capabilities]\ntables = ["core_account; DROP"]', "capabilities.tables.0"),
        ("[capabilities]\nroot = true", "capabilities.root"),
        ('surprise = "x"', "surprise"),
    ],
)
def test_wrong_manifest_is_refused_by_file_and_field(tmp_path: Path, manifest: str, field: str) -> None:
    said = refusal(WheelPlan(manifest=manifest).write(tmp_path))

    assert "muntin-plugin.toml" in said
    assert field in said
    assert len(said) < 600
    assert said.isprintable()


def test_manifest_that_is_not_text_is_refused() -> None:
    with pytest.raises(PluginRefused, match="is not TOML"):
        read_manifest_file(b"\xff\xfe\x00", source="muntin-plugin.toml")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (WheelPlan(file_name="notes.whl"), "is not the name of a wheel"),
        (WheelPlan(file_name="muntin_other-1.0-py3-none-any.whl"), ".dist-info"),
        (WheelPlan(file_name="muntin_notes-2.0-py3-none-any.whl"), ".dist-info"),
        (WheelPlan(file_name="muntin_notes-1.0-cp27-cp27m-win32.whl"), "another Python"),
        (WheelPlan(metadata=META.replace("muntin-notes", "muntin-other")), "METADATA: Name"),
        (WheelPlan(metadata=META.replace("1.0", "9.9")), "METADATA: Version"),
        (WheelPlan(metadata="nothing"), "METADATA: Name"),
        (WheelPlan(metadata=META + "Requires-Python: >=99\n"), "Requires-Python"),
        (WheelPlan(metadata=META + "Requires-Python: perhaps\n"), "Requires-Python"),
        (WheelPlan(metadata=META + "Requires-Dist: a b c\n"), "Requires-Dist"),
        (WheelPlan(metadata=META + "Requires-Dist: evil @ http://example.com/x.whl\n"), "Requires-Dist"),
        (WheelPlan(metadata=META + "Requires-Dist: evil @ file:///etc/passwd\n"), "Requires-Dist"),
        (WheelPlan(entry_points="[muntin.plugins]\nnotes = muntin_notes.plugin:__import__('os')\n"), "entry_points"),
        (WheelPlan(entry_points="[muntin.plugins]\nnotes = os.path\n"), "entry_points"),
        (WheelPlan(entry_points="[muntin.plugins]\n../x = muntin_notes.plugin\n"), "entry_points"),
        (WheelPlan(entry_points="[muntin.plugins]\ncore = muntin_notes.plugin\n"), "entry_points"),
        (WheelPlan(entry_points="no section\n"), "entry_points"),
        (WheelPlan(entry_points="[muntin.plugins]\na=b\na=c\n"), "entry_points"),
        (WheelPlan(hashes=False), "RECORD"),
        (WheelPlan(files={"muntin_notes-1.0.dist-info/WHEEL": None}), "WHEEL"),
        (WheelPlan(files={"muntin_notes-1.0.dist-info/WHEEL": "Wheel-Version: 7.0\n"}), "WHEEL"),
        (WheelPlan(files={"muntin_notes-1.0.dist-info/METADATA": None}), "METADATA"),
        (WheelPlan(files={"other-1.0.dist-info/METADATA": "x"}), ".dist-info"),
        (WheelPlan(files={"../escaped.py": "x"}), "leads out"),
        (WheelPlan(files={"muntin_notes/../../escaped.py": "x"}), "leads out"),
        (WheelPlan(files={"/etc/escaped.py": "x"}), "leads out"),
        (WheelPlan(files={"muntin_notes\\..\\x.py": "x"}), "characters"),
        (WheelPlan(files={"C:/x.py": "x"}), "characters"),
        (WheelPlan(files={"muntin_notes/" + "x" * 300: "x"}), "too long"),
        (WheelPlan(files={"muntin_notes/PLUGIN.py": "x"}), "twice"),
        (WheelPlan(files={"muntin_notes/\x1b[31m.py": "x"}), "characters"),
    ],
)
def test_wrong_wheel_is_refused_by_file_and_field(tmp_path: Path, plan: WheelPlan, said: str) -> None:
    message = refusal(plan.write(tmp_path))

    assert said in message
    assert message.isprintable()


def _bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("muntin_notes/bomb.bin", b"\0" * (20 * 1024 * 1024), zipfile.ZIP_DEFLATED)


def _many(archive: zipfile.ZipFile) -> None:
    for number in range(20_100):
        archive.writestr(f"muntin_notes/{number}.py", b"")


def _link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("muntin_notes/link.py")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def _device(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("muntin_notes/device")
    entry.external_attr = (stat.S_IFCHR | 0o777) << 16
    archive.writestr(entry, "")


def _unusual(archive: zipfile.ZipFile) -> None:
    archive.writestr("muntin_notes/packed.py", b"x" * 1000, zipfile.ZIP_LZMA)


@pytest.mark.parametrize(
    ("add", "said"),
    [(_bomb, "grows"), (_many, "files"), (_link, "link"), (_device, "device"), (_unusual, "unusual")],
)
def test_wheel_with_a_dangerous_member_is_refused(
    tmp_path: Path, add: Callable[[zipfile.ZipFile], None], said: str
) -> None:
    path = WheelPlan().write(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        add(archive)

    assert said in refusal(path)


def test_wheel_that_says_it_unpacks_to_terabytes_is_refused(tmp_path: Path) -> None:
    path = WheelPlan().write(tmp_path)
    raw = path.read_bytes()
    at = raw.rindex(b"PK\x01\x02")  # the last entry of the directory; 24 bytes on stands the size
    path.write_bytes(raw[: at + 24] + (MAX_UNPACKED_MIB * 2**20 + 1).to_bytes(4, "little") + raw[at + 28 :])

    assert "unpacked" in refusal(path)


@pytest.mark.parametrize("raw", [b"", b"PK", b"not a zip" * 100, b"PK\x05\x06" + b"\0" * 18])
def test_file_that_is_no_zip_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "muntin_notes-1.0-py3-none-any.whl"
    path.write_bytes(raw)

    assert path.name in refusal(path)


def test_damaged_wheel_is_refused_wherever_the_damage_is(tmp_path: Path) -> None:
    sound = WheelPlan().write(tmp_path).read_bytes()
    path = tmp_path / "muntin_notes-1.0-py3-none-any.whl"
    for at in range(0, len(sound), 97):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :])
        target = tmp_path / f"unpacked-{at}"

        try:
            unpack(open_wheel(path), target)
        except PluginRefused:
            continue
        except zipfile.BadZipFile as error:
            raise AssertionError(f"damage at {at} is not told in words") from error


def test_file_with_another_content_than_its_record_says_is_refused(tmp_path: Path) -> None:
    path = WheelPlan().write(tmp_path)
    changed = tmp_path / "changed"
    changed.mkdir()
    target = changed / path.name
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for entry in source.infolist():
            data = source.read(entry)
            copy.writestr(entry.filename, data + b"# more" if entry.filename.endswith("plugin.py") else data)

    with pytest.raises(PluginRefused, match=r"RECORD: the hash of muntin_notes/plugin\.py"):
        unpack(open_wheel(target), tmp_path / "unpacked")
