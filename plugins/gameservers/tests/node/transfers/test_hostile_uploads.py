"""Requests, archives and sizes that are refused, whoever sends them; nothing of them is left behind."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker
MIB = 1_048_576
LINK, HARD_LINK, PIPE, DEVICE = (
    {"type": kind} for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)
)
FOLDER = {"type": tarfile.DIRTYPE}
OUT = "The archive holds a name that leads out of the server's folder."
NO_FILE = "The archive holds a hard link, a device or a pipe."


def _hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _checksum_wrong(part: Any, content: bytes) -> tuple[bytes, ...]:
    return part(content), part("checksum", "0" * 64)


def _one_of_two_wrong(part: Any, content: bytes) -> tuple[bytes, ...]:
    return part(content), part("checksum", _hash_of(content)), part("checksum_archive", "0" * 64)


def _no_checksum(part: Any, content: bytes) -> tuple[bytes, ...]:
    return (part(content),)


def _checksum_first(part: Any, content: bytes) -> tuple[bytes, ...]:
    return part("checksum", _hash_of(content)), part(content)


def _two_archives(part: Any, content: bytes) -> tuple[bytes, ...]:
    return part(content), part(content), part("checksum", _hash_of(content))


def _no_archive(part: Any, content: bytes) -> tuple[bytes, ...]:
    return (part("checksum", _hash_of(content)),)


def _endless_checksum(part: Any, content: bytes) -> tuple[bytes, ...]:
    return part(content), part("checksum", "0" * MIB)


def _too_many_parts(part: Any, content: bytes) -> tuple[bytes, ...]:
    return part(content), *(part("more", "x") for _ in range(100)), part("checksum", _hash_of(content))


def _no_form(part: Any, content: bytes) -> tuple[bytes, ...]:
    return (b"\0" * MIB,)


def _endless_header(part: Any, content: bytes) -> tuple[bytes, ...]:
    return (b"--boundary-of-tests\r\nX: " + b"x" * MIB,)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (_checksum_wrong, "The checksum of the archive is another one."),
        (_one_of_two_wrong, "The checksum of the archive is another one."),
        (_no_checksum, "The checksum of the archive is missing."),
        (_checksum_first, "The checksum comes before the archive."),
        (_two_archives, "There are two archives in the request."),
        (_no_archive, "The checksum comes before the archive."),
        (_endless_checksum, "The checksum is too long."),
        (_too_many_parts, "The request is no multipart form of a transfer."),
        (_no_form, "The request is no multipart form of a transfer."),
        (_endless_header, "The request is no multipart form of a transfer."),
    ],
)
async def test_form_that_is_wrong_is_refused(pair: Any, part: Any, packed: Any, build: Any, reason: str) -> None:
    uuid = pair.announce()

    response = await pair.upload(uuid, *build(part, packed(("file", {}, b"x"))))

    assert (response.status_code, response.json()["error"]) == (500, reason)
    assert pair.told(uuid) == [("target", "failure", 204)]
    assert await pair.leaves_nothing(uuid)


async def test_request_of_another_kind_is_refused_before_anything_is_done(pair: Any) -> None:
    uuid = pair.announce()

    responses = [
        await pair.target.http.post(
            f"{pair.target.url}/api/transfers",
            headers={"Authorization": pair.token(uuid), "Content-Type": kind},
            content=b"{}",
        )
        for kind in ("application/json", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300, "")
    ]

    assert [response.status_code for response in responses] == [500, 500, 500, 500]
    assert (pair.told(uuid), await pair.leaves_nothing(uuid)) == ([], True)


def _is_missing(path: str) -> bool:
    return not Path(path).exists()


ATTACKS: dict[str, tuple[list[tuple[str, dict[str, Any], bytes]], str]] = {
    "absolute": ([("/etc/muntin-test", {}, b"x")], OUT),
    "upwards": ([("a/../../x", {}, b"x")], OUT),
    "upwards folder": ([("..", FOLDER, b"")], OUT),
    "through a link": (
        [("link", LINK | {"linkname": "/tmp"}, b""), ("link/x", {}, b"x")],
        "The archive leads through a link or a file.",
    ),
    "through a link within": (
        [("a", FOLDER, b""), ("link", LINK | {"linkname": "a"}, b""), ("link/x", {}, b"x")],
        "The archive leads through a link or a file.",
    ),
    "mode of a link's target": (
        [("link", LINK | {"linkname": "/etc"}, b""), ("link", FOLDER, b"")],
        "The archive leads through a link or a file.",
    ),
    "over a link": (
        [("link", LINK | {"linkname": "/tmp/x"}, b""), ("link", {}, b"x")],
        "The archive cannot be written here: File exists.",
    ),
    "twice": ([("a", {}, b"x"), ("a", {}, b"y")], "The archive cannot be written here: File exists."),
    "hard link": ([("a", {}, b"x"), ("b", HARD_LINK | {"linkname": "a"}, b"")], NO_FILE),
    "hard link outside": ([("b", HARD_LINK | {"linkname": "/etc/passwd"}, b"")], NO_FILE),
    "device": ([("null", DEVICE | {"devmajor": 1, "devminor": 3}, b"")], NO_FILE),
    "pipe": ([("pipe", PIPE, b"")], NO_FILE),
    "NUL": ([("a", {"pax_headers": {"path": "a\0b"}}, b"x")], OUT),
    "no name": ([("./", {}, b"x")], "The archive holds a file without a name."),
    "long name": ([("n" * 256, {}, b"x")], "The archive holds a name that is too long."),
    "long path": ([("/".join(["n" * 200] * 200), {}, b"x")], "The archive holds a name that is too long."),
    "through a file": ([("a", {}, b"x"), ("a/b", {}, b"x")], "The archive leads through a link or a file."),
    "huge header": ([("a", {"pax_headers": {"comment": "x" * MIB}}, b"x")], "A header of the archive is too large."),
    "endless number": (
        [("a", {"pax_headers": {"comment": "1" * 10_000}}, b"x")],
        "A header of the archive is malformed.",
    ),
    "negative size": (
        [("a", {"pax_headers": {"size": "-512"}}, b"x")],
        "The archive holds a file with a strange size.",
    ),
    "lying size": ([("a", {"pax_headers": {"size": str(2**40)}}, b"x")], "The archive ends early."),
    "sparse": (
        [("a", {"pax_headers": {"GNU.sparse.map": "0,1", "GNU.sparse.size": "1"}}, b"x")],
        "The archive holds a file with a strange size.",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_archive_that_attacks_is_refused(pair: Any, packed: Any, form: Any, attack: str) -> None:
    uuid = pair.announce()
    members, reason = ATTACKS[attack]
    volumes = pair.target.folder / "volumes"
    before = sorted(volumes.iterdir())

    response = await pair.upload(uuid, *form(packed(("before", {}, b"x"), *members, ("after", {}, b"x"))))

    assert (response.status_code, response.json()["error"]) == (500, reason)
    assert pair.told(uuid) == [("target", "failure", 204)]
    assert await pair.leaves_nothing(uuid)
    assert sorted(volumes.iterdir()) == before
    assert _is_missing("/etc/muntin-test")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no gzip": lambda archive: gzip.decompress(archive),
    "cut": lambda archive: archive[: len(archive) // 2],
    "cut at its end": lambda archive: archive[:-4],
    "not ended": lambda archive: gzip.compress(gzip.decompress(archive)[:1024]),
    "a broken header": lambda archive: gzip.compress(gzip.decompress(archive)[:1024] + b"\xff" * 2048),
    "a broken bit": lambda archive: archive[:40] + bytes([archive[40] ^ 0xFF]) + archive[41:],
    "more behind it": lambda archive: archive + b"more",
    "a bomb behind it": lambda archive: archive + gzip.compress(bytes(64 * MIB)),
    "empty": lambda archive: b"",
    "headers without end": lambda archive: gzip.compress(_global_header() * 2000),
}


def _global_header() -> bytes:
    return tarfile.TarInfo.create_pax_global_header({"comment": "x"})


@pytest.mark.parametrize("damage", DAMAGES)
async def test_archive_that_is_damaged_is_refused(
    pair: Any, packed: Any, form: Any, some_bytes: bytes, damage: str
) -> None:
    uuid = pair.announce()

    response = await pair.upload(uuid, *form(DAMAGES[damage](packed(("file", {}, some_bytes[:512])))))

    assert (response.status_code, "archive" in response.json()["error"]) == (500, True)
    assert pair.told(uuid) == [("target", "failure", 204)]
    assert await pair.leaves_nothing(uuid)


async def test_bits_that_give_rights_are_dropped(pair: Any, packed: Any, form: Any) -> None:
    uuid = pair.announce()

    response = await pair.upload(
        uuid, *form(packed(("sh", {"mode": 0o6755}, b"x"), ("d", FOLDER | {"mode": 0o3777}, b"")))
    )

    folder = pair.target.volume(uuid)
    modes = [(folder / name).stat().st_mode & 0o7777 for name in ("sh", "d")]
    assert (response.status_code, modes) == (200, [0o755, 0o777])


async def test_bomb_ends_at_the_disk_limit(pair: Any, form: Any) -> None:
    uuid = pair.target.describe(build={"disk_space": 5})
    pair.desk.owners[uuid] = pair.source.token_id
    pair.open(uuid)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for number in range(6):
            member = tarfile.TarInfo(str(number))
            member.size = MIB
            archive.addfile(member, io.BytesIO(bytes(MIB)))

    response = await pair.upload(uuid, *form(stream.getvalue()))

    reason = "The server's files take more than its disk limit of 5 MiB allows."
    assert (response.status_code, response.json()["error"]) == (500, reason)
    assert await pair.leaves_nothing(uuid)


async def test_server_over_its_disk_limit_is_refused_before_it_is_sent(pair: Any, form: Any, packed: Any) -> None:
    uuid = pair.target.describe(build={"disk_space": 5})
    pair.desk.owners[uuid] = pair.source.token_id
    pair.open(uuid)
    parts = form(packed(("file", {}, b"x")))

    over = await pair.upload(uuid, *parts, **{"X-Muntin-Transfer-Bytes": str(5 * MIB + 1)})
    pair.open(uuid)
    never = await pair.upload(uuid, *parts, **{"X-Muntin-Transfer-Bytes": str(2**50)})

    reason = "The server's files take more than its disk limit of 5 MiB allows."
    assert [over.json()["error"], never.json()["error"]] == [reason, reason]
    assert await pair.leaves_nothing(uuid)


async def test_server_that_the_host_has_no_room_for_is_refused(pair: Any, form: Any, packed: Any) -> None:
    uuid = pair.announce()

    response = await pair.upload(uuid, *form(packed(("file", {}, b"x"))), **{"X-Muntin-Transfer-Bytes": str(2**50)})

    assert response.json()["error"] == (
        "There is not enough free space on the node that the server was to be moved to."
    )
    assert await pair.leaves_nothing(uuid)
