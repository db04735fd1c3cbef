"""Counting failed sign-ins, exactly and across processes, so that guessing does not pay and locks nobody else out.

A lock holds for one account *and* one network, so that a stranger's guesses never keep the owner out.
Guesses from everywhere together only make the answer slower. An attempt is counted before the
password is looked at, so that parallel attempts cannot slip past the count.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from muntin.accounts.errors import AccountLocked
from muntin.accounts.models import LoginFailureRow
from muntin.database import execute, fetch_all, uuid7
from muntin.runtime import panel
from muntin.settings.sections import SecuritySettings
from muntin.signing import digest

SLOW_AFTER = 5
"""Times the permitted failures, from all networks together, before answers become slower."""
SLOWEST_S = 5.0
_FOR_EVER = 2**31 - 1

# The row's lock lets one through after the other, and each sees what the one before counted. At the limit
# nothing is changed and nothing answered; the count that reaches it starts the waiting time anew.
_COUNT = """
INSERT INTO core_login_failure (id, created_at, updated_at, subject, failures, ends_at_s)
VALUES (?, ?, ?, ?, 1, ?)
ON CONFLICT (subject) DO UPDATE SET
    failures = CASE WHEN core_login_failure.ends_at_s <= ? THEN 1 ELSE core_login_failure.failures + 1 END,
    ends_at_s = CASE WHEN core_login_failure.ends_at_s <= ? OR core_login_failure.failures + 1 = ?
        THEN excluded.ends_at_s ELSE core_login_failure.ends_at_s END,
    updated_at = excluded.updated_at
WHERE core_login_failure.ends_at_s <= ? OR core_login_failure.failures < ?
RETURNING failures
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try that is being made; it counts as failed until `succeeded`."""

    subjects: tuple[str, ...]


async def begin_attempt(who: str, address: str) -> Attempt:
    """Count one try to sign in as somebody.

    Args:
        who: The account's id, or what was typed where there is no such account.

    Raises:
        AccountLocked: This network failed too often at this account.
    """
    rules = panel().settings.section(SecuritySettings)
    pair, everywhere = digest(f"pair:{who}|{network_of(address)}"), digest(f"account:{who}")
    await _count(pair, rules.max_failed_attempts, rules.lockout_minutes * 60)
    total = await _count(everywhere, _FOR_EVER, rules.lockout_minutes * 60)
    excess = total - SLOW_AFTER * rules.max_failed_attempts
    if excess > 0:
        await asyncio.sleep(min(SLOWEST_S, excess * 0.1))
    return Attempt((pair, everywhere))


async def begin_code_attempt(account_id: object) -> Attempt:
    """Count one try at a second factor, from wherever; only who knows the password comes this far.

    Raises:
        AccountLocked: Too many codes were wrong.
    """
    rules = panel().settings.section(SecuritySettings)
    subject = digest(f"code:{account_id}")
    await _count(subject, 2 * rules.max_failed_attempts, rules.lockout_minutes * 60)
    return Attempt((subject,))


async def succeeded(attempt: Attempt) -> None:
    """The try was right: what was counted before is forgotten."""
    await LoginFailureRow.filter(subject__in=attempt.subjects).delete()


async def not_counted(attempt: Attempt) -> None:
    """The try was neither right nor wrong (its first half was right): take back this one only."""
    for subject in attempt.subjects:
        await execute(
            "UPDATE core_login_failure SET failures = failures - 1 WHERE subject = ? AND failures > 0", [subject]
        )


async def delete_past_failures() -> int:
    """Delete the rows whose time is over; how many that were."""
    return await LoginFailureRow.filter(ends_at_s__lte=int(time.time())).delete()


def network_of(address: str) -> str:
    """The address, or the /64 of an IPv6 address, since who has one of it has all."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network(f"{ip}/64", strict=False))
    return str(ip)


async def _count(subject: str, limit: int, window_s: int) -> int:
    now_s, stamp = int(time.time()), datetime.now(UTC)
    values = [uuid7(), stamp, stamp, subject, now_s + window_s, now_s, now_s, limit, now_s, limit]
    rows = await fetch_all(_COUNT, values)
    if rows:
        return int(rows[0]["failures"])
    locked = await LoginFailureRow.get_or_none(subject=subject)
    raise AccountLocked((locked.ends_at_s if locked else now_s) - now_s)
