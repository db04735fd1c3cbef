"""Passwords: argon2id with a bounded queue, so that a flood of sign-ins costs two threads and not the panel."""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from muntin.errors import InvalidInput, TooManyRequests
from muntin.translation import _

THREADS = 2
MAX_WAITING = 64
"""Passwords that are being checked or wait for it; about half a second's work."""
MAX_LENGTH = 1024

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
_waiting = 0

Answer = TypeVar("Answer")


def _nobodys_hash() -> str:
    """What is checked where there is no account, so that the answer takes equally long: no password fits chance."""
    salt, tag = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}${salt}${tag}"


_NOBODYS_HASH = _nobodys_hash()


async def hash_password(password: str) -> str:
    """An argon2id hash in the usual text form.

    Raises:
        TooManyRequests: Too many passwords are being checked at the moment.
    """
    return await _in_thread(_hash, password)


async def is_password(password: str, stored: str | None) -> bool:
    """Whether the password fits; takes equally long where there is nothing stored.

    Raises:
        TooManyRequests: Too many passwords are being checked at the moment.
    """
    return await _in_thread(_verify, password, stored)


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def require_length(password: str, minimum: int, *, field: str = "password") -> None:
    """Refuse what is too short to be safe.

    Raises:
        InvalidInput: Names the field.
    """
    if len(password) < minimum:
        raise InvalidInput.of(field, _("A password has at least {minimum} characters.", minimum=minimum))


def new_password() -> str:
    """A random password that a person can type."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _letter in range(5)) for _group in range(4))


def _hash(password: str) -> str:
    return _hasher.hash(password)


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _hasher.verify(stored or _NOBODYS_HASH, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


async def _in_thread(work: Callable[..., Answer], *arguments: str | None) -> Answer:
    global _waiting  # one queue for the process, as there is one pair of threads
    if _waiting >= MAX_WAITING:
        raise TooManyRequests(2)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_executor, work, *arguments)
    finally:
        _waiting -= 1
