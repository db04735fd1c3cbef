"""The smallest image there can be: one static program and links to it."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

from .cache import only_one
from .engine import engine, import_root, is_there, tag_of, unavailable

APPLETS = ("sh", "cat", "chmod", "chown", "cp", "echo", "env", "false", "grep", "head", "id", "kill", "ls", "mkdir",
           "mv", "nc", "ps", "rm", "sed", "seq", "sleep", "stat", "tail", "touch",
           "tr", "true", "wc", "yes")  # fmt: skip


def busybox_image() -> str:
    """Name of an image with a shell and little else; made when the engine does not have it."""
    client = engine()
    program = shutil.which("busybox")
    if program is None:
        unavailable("busybox is not installed: apt install busybox-static")
    root = _root(Path(program).read_bytes())
    image = tag_of("busybox", root)
    with only_one():
        if not is_there(client, image):
            import_root(client, image, root, 'CMD ["sh"]')
    return image


def _root(program: bytes) -> bytes:
    """The root file system as tar."""
    with io.BytesIO() as stream:
        with tarfile.open(fileobj=stream, mode="w") as tar:
            member = tarfile.TarInfo("bin/busybox")
            member.mode, member.size = 0o755, len(program)
            tar.addfile(member, io.BytesIO(program))
            for applet in APPLETS:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        return stream.getvalue()
