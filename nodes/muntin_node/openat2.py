"""The system calls behind confined files, which Python's `os` does not have."""

from __future__ import annotations

import ctypes
import errno
import os

SYS_OPENAT2 = 437  # the same number on every architecture
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RENAME_NOREPLACE = 0x01
RACE_RETRIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


def openat2(dir_fd: int, path: bytes, flags: int, *, mode: int = 0, follow: bool = True) -> int:
    """Open a path that never leaves the directory; the kernel checks each step while it takes it.

    Args:
        follow: False refuses every symbolic link on the way, the last name included.

    Raises:
        OSError: EXDEV for a path that would leave, ELOOP for refused links, else as `open`.
    """
    resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (0 if follow else RESOLVE_NO_SYMLINKS)
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    for _ in range(RACE_RETRIES):
        result: int = _libc.syscall(
            SYS_OPENAT2, ctypes.c_int(dir_fd), ctypes.c_char_p(path), ctypes.byref(how), ctypes.sizeof(how)
        )
        if result >= 0:
            return result
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):  # EAGAIN: something was renamed meanwhile
            break
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), os.fsdecode(path))


def rename_new(source_fd: int, source: bytes, target_fd: int, target: bytes) -> None:
    """Rename, refusing a target that exists, in one step.

    Raises:
        OSError: EEXIST if the target exists, else as `rename`.
    """
    result: int = _libc.renameat2(
        ctypes.c_int(source_fd),
        ctypes.c_char_p(source),
        ctypes.c_int(target_fd),
        ctypes.c_char_p(target),
        ctypes.c_uint(RENAME_NOREPLACE),
    )
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), os.fsdecode(target))


def sync_file_system(descriptor: int) -> None:
    """Write everything of the file system that the descriptor is on to its disk; may take long.

    Raises:
        OSError: Something could not be written.
    """
    if _libc.syncfs(ctypes.c_int(descriptor)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def openat2_works() -> bool:
    """Whether this kernel has the call (Linux 5.6) and nothing filters it."""
    root = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        os.close(openat2(root, b".", os.O_PATH))
    except OSError:
        return False
    finally:
        os.close(root)
    return True
