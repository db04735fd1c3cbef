"""One attempt: written, signed, sent, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from muntin import clock
from muntin.outgoing import AddressRefused, OutgoingAnswer, OutgoingClient, OutgoingFailed, OutgoingRequest
from muntin.settings import GeneralSettings, public_url, section
from muntin.translation import _
from muntin_webhooks.bodies import DATA_PATH, body_of
from muntin_webhooks.destinations.addresses import refuse
from muntin_webhooks.destinations.destination import MASK, Notification, Rendered, Verdict
from muntin_webhooks.keys import good
from muntin_webhooks.sending.outgoing import Outgoing
from muntin_webhooks.sending.receiver import Receiver
from muntin_webhooks.sending.schedule import read_retry_after
from muntin_webhooks.signing import signature_headers

USER_AGENT = "muntin-webhooks/1"
ANSWER_BYTES = 4096
ANSWER_KEPT = 2048

log = logging.getLogger("muntin.webhooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an attempt; `wait_s` is what the receiver asked for."""

    outcome: Literal["delivered", "failed", "gone"]
    status_code: int | None = None
    response_ms: int | None = None
    error: str | None = None
    response: str | None = None
    wait_s: float | None = None
    sent_at_ms: int = 0


async def attempt(client: OutgoingClient, receiver: Receiver, one: Outgoing) -> Outcome:
    """Send it once; never raises what receivers or destinations do wrong."""
    sent_at_s = clock.now_s()
    try:
        request = request_of(receiver, one, sent_at_s=int(sent_at_s))
        refuse(request.url)
        answer = await client.send(request, limits=receiver.limits, body_limit=ANSWER_BYTES)
        outcome = _outcome(receiver, answer, now_s=sent_at_s)
    except (AddressRefused, OutgoingFailed, ValueError) as error:
        outcome = Outcome(outcome="failed", error=redacted(str(error), receiver.secrets))
    except Exception:
        log.exception("The destination %s failed on webhook %s", receiver.destination.kind, receiver.id)
        outcome = Outcome(outcome="failed", error=_("The destination could not write the request."))
    return replace(outcome, sent_at_ms=int(sent_at_s * 1000))


def request_of(receiver: Receiver, one: Outgoing, *, sent_at_s: int) -> OutgoingRequest:
    """The request as it leaves."""
    rendered, notification = rendered_for(receiver, one)
    headers = {**rendered.headers, "User-Agent": USER_AGENT}
    if rendered.signed:
        keys = good(receiver.keys, now_ms=sent_at_s * 1000)
        headers |= signature_headers(notification, keys, sent_at_s=sent_at_s, body=rendered.body)
    return OutgoingRequest(
        url=rendered.url, method=rendered.method, headers=headers, body=rendered.body, group=str(receiver.id)
    )


def rendered_for(receiver: Receiver, one: Outgoing) -> tuple[Rendered, Notification]:
    """What the destination makes of the message."""
    address = public_url()
    body, is_whole = body_of(one, data_url=address + DATA_PATH.format(id=one.id))
    notification = Notification(
        id=one.message_id,
        delivery_id=one.id,
        type=one.type,
        occurred_at=one.occurred_at,
        resource_type=one.resource_type,
        resource_id=one.resource_id,
        sequence=one.sequence,
        data=one.payload if is_whole and isinstance(one.payload, Mapping) else {},
        body=body,
        panel_name=section(GeneralSettings).name,
        panel_url=address,
    )
    return receiver.destination.render(receiver.config, notification), notification


def redacted(text: str, secrets: Sequence[str]) -> str:
    """The text without any of the secrets."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _outcome(receiver: Receiver, answer: OutgoingAnswer, *, now_s: float) -> Outcome:
    judge = receiver.destination.judge or _by_status
    verdict = judge(answer)
    asked_s = read_retry_after(answer.headers.get("retry-after"), now_s=now_s)
    text = answer.body.decode("utf-8", "replace").replace("\0", "\ufffd")
    failed = verdict.outcome != "delivered"
    return Outcome(
        outcome=verdict.outcome,
        status_code=answer.status,
        response_ms=answer.elapsed_ms,
        error=_("Answered with status {status}.", status=answer.status) if failed else None,
        response=redacted(text, receiver.secrets)[:ANSWER_KEPT] or None,
        wait_s=max((one for one in (asked_s, verdict.retry_after_s) if one is not None), default=None),
    )


def _by_status(answer: OutgoingAnswer) -> Verdict:
    """Every 2xx is a success; redirects are not followed, so they are none."""
    if 200 <= answer.status < 300:
        return Verdict("delivered")
    return Verdict("gone" if answer.status == 410 else "failed")
