"""Passwords: how they are kept, and what a flood of them costs."""

from __future__ import annotations

import asyncio
import time

import pytest
from argon2 import PasswordHasher

from muntin.accounts import passwords
from muntin.errors import InvalidInput, TooManyRequests


async def test_password_is_kept_as_argon2id() -> None:
    stored = await passwords.hash_password("correct horse")

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.is_password("correct horse", stored)
    assert not await passwords.is_password("correct horze", stored)
    assert not passwords.is_outdated(stored)


async def test_hash_of_other_parameters_is_still_read_and_outdated() -> None:
    stored = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("correct horse")

    assert await passwords.is_password("correct horse", stored)
    assert passwords.is_outdated(stored)


@pytest.mark.parametrize("stored", [None, "", "plain", "$2y$10$abcdefghijklmnopqrstuv", "$argon2id$broken"])
async def test_no_password_fits_what_is_no_hash(stored: str | None) -> None:
    assert not await passwords.is_password("correct horse", stored)


async def test_checking_takes_equally_long_without_an_account() -> None:
    stored = await passwords.hash_password("correct horse")

    async def seconds(hashed: str | None) -> float:
        began = time.perf_counter()
        await passwords.is_password("wrong", hashed)
        return time.perf_counter() - began

    pairs = [(await seconds(None), await seconds(stored)) for _round in range(10)]

    without, with_account = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    assert 1 / 3 < without / with_account < 3  # the other cores may be busy; a skipped check is 1000 times faster


async def test_flood_is_answered_at_once_instead_of_queued() -> None:
    tries = [passwords.is_password("wrong", None) for _index in range(passwords.MAX_WAITING + 40)]

    answers = await asyncio.gather(*tries, return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, TooManyRequests)]
    assert len(refused) == 40
    assert refused[0].headers == {"Retry-After": "2"}
    assert not await passwords.is_password("wrong", None)


def test_short_password_is_refused_with_its_field() -> None:
    with pytest.raises(InvalidInput) as refused:
        passwords.require_length("seven77", 8)

    assert refused.value.fields == {"password": ["A password has at least 8 characters."]}


def test_chosen_passwords_differ() -> None:
    assert len({passwords.new_password() for _index in range(100)}) == 100
    assert len(passwords.new_password()) == 23
