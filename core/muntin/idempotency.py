"""`Idempotency-Key`: a POST that is sent twice acts once and is answered twice the same."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from quart import Response
from tortoise import fields
from tortoise.exceptions import IntegrityError

from muntin.call import Call
from muntin.database import Table
from muntin.encryption import CannotDecrypt, decrypt, encrypt
from muntin.errors import BadRequest, Conflict
from muntin.translation import _

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=5)  # a process that died while answering does not block its key for ever


class IdempotencyConflict(Conflict):
    """The key was used before with another body."""

    code = "idempotency_conflict"
    default_message = "This idempotency key was used for a different request."


class IdempotencyInProgress(Conflict):
    """The first request with the key is still being answered."""

    code = "idempotency_in_progress"
    default_message = "The first request with this idempotency key is still running."


class IdempotencyRow(Table):
    """An answer that is kept for repetitions; `status` is null while the first request runs."""

    scope = fields.CharField(max_length=64, unique=True)  # digest of credential, method, path and key
    body_digest = fields.CharField(max_length=64)
    status = fields.IntField(null=True)
    answer = fields.BinaryField(null=True)  # encrypted
    content_type = fields.CharField(max_length=128, default="application/json")

    class Meta:
        table = "core_idempotency"


async def answered_once(call: Call, key: str, body: bytes, invoke: Callable[[], Awaitable[Response]]) -> Response:
    """Answer from memory if the same request was answered before, else invoke and remember.

    Failures of the server (5xx) and refusals for haste (429) are not remembered.

    Raises:
        BadRequest: The key is empty, too long or not printable.
        IdempotencyConflict, IdempotencyInProgress: See there.
    """
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise BadRequest(_("Idempotency-Key has to be 1 to 255 printable ASCII characters."))
    scope = _digest(call.actor.credential, getattr(call.request, "method", ""), call.request.path, key)
    digest = hashlib.sha256(body).hexdigest()
    try:
        row = await IdempotencyRow.create(scope=scope, body_digest=digest)
    except IntegrityError:
        found = await _replay(scope, digest)
        if found is not None:
            return found
        return await answered_once(call, key, body, invoke)
    return await _answer_and_remember(row, invoke)


async def _answer_and_remember(row: IdempotencyRow, invoke: Callable[[], Awaitable[Response]]) -> Response:
    try:
        response = await invoke()
    except BaseException:  # whatever ended it, the next try must not find a key that runs for ever
        await row.delete()
        raise
    if response.status_code >= 500:
        await row.delete()
        return response
    answer = await response.get_data(as_text=False)
    content_type = response.content_type or "application/json"
    changes = {"status": response.status_code, "answer": _seal(row.scope, answer), "content_type": content_type}
    await IdempotencyRow.filter(id=row.id).update(**changes)
    return response


async def _replay(scope: str, digest: str) -> Response | None:
    """The remembered answer; `None` when the row has gone in the meantime, so the caller may try anew."""
    row = await IdempotencyRow.get_or_none(scope=scope)
    if row is None:
        return None
    if row.status is None and datetime.now(UTC) - row.created_at > ABANDONED:
        await IdempotencyRow.filter(id=row.id, status=None).delete()
        return None
    if row.body_digest != digest:
        raise IdempotencyConflict
    if row.status is None:
        raise IdempotencyInProgress
    try:
        answer = _unseal(scope, bytes(row.answer or b""))
    except CannotDecrypt:  # the panel's key was changed: what was kept with the old one is gone
        await row.delete()
        return None
    headers = {"Idempotency-Replayed": "true"}
    return Response(answer, row.status, headers, content_type=row.content_type)


def _seal(scope: str, answer: bytes) -> bytes:
    """An answer as it is kept: encrypted, since it may show a new credential, which nothing else stores in plain."""
    return encrypt(answer.decode("latin-1"), f"core_idempotency:{scope}").encode()


def _unseal(scope: str, kept: bytes) -> bytes:
    return decrypt(kept.decode(), f"core_idempotency:{scope}").encode("latin-1")


async def forget_old_answers() -> int:
    """Remove answers older than a day; answers how many."""
    return await IdempotencyRow.filter(created_at__lt=datetime.now(UTC) - KEPT).delete()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
