"""Making and changing webhooks; who may is said by `services`, which guards them."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from muntin import audit, clock
from muntin.access import Actor
from muntin.accounts.models import AccountRow
from muntin.database import transaction
from muntin.errors import InvalidInput
from muntin.settings import section
from muntin.translation import _
from muntin_webhooks import keys
from muntin_webhooks.endpoints.configuring import (
    checked,
    find_destination,
    merged,
    open_config,
    refuse_to_take_secrets_along,
    seal,
)
from muntin_webhooks.endpoints.shown import shown, shown_new
from muntin_webhooks.errors import TooManySecrets, TooManyWebhooks
from muntin_webhooks.events import WebhookCreated, WebhookDeleted, WebhookUpdated
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.schemas import NewWebhook, RotationInput, Webhook, WebhookChanges, WebhookInput
from muntin_webhooks.settings import WebhookSettings
from muntin_webhooks.telling import tell_changed

MS_PER_HOUR = 3_600_000


async def make(actor: Actor, wanted: WebhookInput, account_id: UUID | None) -> NewWebhook:
    """Make a webhook for an account, or for the panel.

    Raises:
        InvalidInput: The destination or one of its fields is wrong.
        TooManyWebhooks: The account has all it may have.
    """
    destination = find_destination(wanted.kind)
    config = checked(destination, wanted.config)
    secret = wanted.secret or keys.new_secret()
    row = EndpointRow(
        account_id=account_id,
        created_by=actor.account_id,
        config=seal(config),
        keys=keys.sealed(keys.new_keys(secret)),
        event_types=list(dict.fromkeys(wanted.events)),
        filters=[one.model_dump() for one in wanted.filters],
        revision=time.time_ns(),
        **wanted.model_dump(exclude={"config", "events", "filters", "secret"}),
    )
    async with transaction() as events:
        await _refuse_one_more(account_id)
        await row.save(force_create=True)
        events.add(WebhookCreated(webhook_id=row.id, name=row.name, account_id=account_id, by=actor.account_id))
        await audit.record(events, actor, "webhook.created", ("webhook", row.id), _told(row))
        tell_changed(events, row.id)
    return shown_new(row, secret)


async def update_webhook(actor: Actor, row: EndpointRow, wanted: WebhookChanges) -> Webhook:
    """Change what is set; switching it on forgets earlier failures.

    Raises:
        InvalidInput: The destination or one of its fields is wrong.
    """
    asked = _asked(row, wanted)
    asked["revision"] = time.time_ns()
    async with transaction() as events:
        await row.update_from_dict(asked).save(update_fields=[*asked, "updated_at"])
        names = tuple(sorted(wanted.model_fields_set))
        told = {"webhook_id": row.id, "name": row.name, "account_id": row.account_id, "by": actor.account_id}
        events.add(WebhookUpdated(**told, changed=names))
        await audit.record(events, actor, "webhook.updated", ("webhook", row.id), {**_told(row), "changed": names})
        tell_changed(events, row.id)
    return shown(row)


async def delete_webhook(actor: Actor, row: EndpointRow) -> None:
    """Delete a webhook with its log."""
    async with transaction() as events:
        await row.delete()
        events.add(WebhookDeleted(webhook_id=row.id, name=row.name, account_id=row.account_id, by=actor.account_id))
        await audit.record(events, actor, "webhook.deleted", ("webhook", row.id), _told(row))
        tell_changed(events, row.id)


async def rotate_secret(actor: Actor, row: EndpointRow, wanted: RotationInput) -> NewWebhook:
    """Make a new secret (and key); the old ones are signed with too, for the hours asked for.

    Raises:
        TooManySecrets: Too many overlap already.
    """
    secret = wanted.secret or keys.new_secret()
    now_ms = int(clock.now_s() * 1000)
    async with transaction() as events:
        current = await EndpointRow.filter(id=row.id).select_for_update().get()
        overlap_ms = wanted.overlap_hours * MS_PER_HOUR
        old = keys.good(keys.opened(current.keys), now_ms=now_ms)
        new = keys.rotated(old, now_ms=now_ms, overlap_ms=overlap_ms, secret=secret)
        if len(new) > keys.MOST:
            raise TooManySecrets
        current.keys, current.revision = keys.sealed(new), time.time_ns()
        await current.save(update_fields=["keys", "revision", "updated_at"])
        told = {"overlap_hours": wanted.overlap_hours}
        await audit.record(events, actor, "webhook.rotated", ("webhook", row.id), told)
        tell_changed(events, row.id)
    return shown_new(current, secret)


def _asked(row: EndpointRow, wanted: WebhookChanges) -> dict[str, Any]:
    """Column -> new value."""
    plain = {"name", "description", "is_enabled", "retry_count", "retry_delay_s", "timeout_s"}
    asked: dict[str, Any] = wanted.model_dump(include=plain & wanted.model_fields_set)
    if "name" in asked and not asked["name"]:
        raise InvalidInput.of("name", _("This is needed."))
    if "events" in wanted.model_fields_set:
        asked["event_types"] = list(dict.fromkeys(wanted.events))
    if "filters" in wanted.model_fields_set:
        asked["filters"] = [one.model_dump() for one in wanted.filters]
    if wanted.secret:
        old = [one for one in keys.opened(row.keys) if one.kind != keys.HMAC]
        asked["keys"] = keys.sealed([keys.Key(kind=keys.HMAC, value=wanted.secret), *old])
    if asked.get("is_enabled"):
        asked |= {"failing_since_ms": None, "disabled_reason": ""}
    return asked | _destination(row, wanted)


def _destination(row: EndpointRow, wanted: WebhookChanges) -> dict[str, Any]:
    if not wanted.model_fields_set & {"kind", "config"}:
        return {}
    kind = wanted.kind or row.kind
    destination = find_destination(kind)
    if kind != row.kind:
        return {"kind": kind, "config": seal(checked(destination, wanted.config))}
    before = open_config(destination, row.config)
    after = checked(destination, merged(before, destination, wanted.config))
    refuse_to_take_secrets_along(destination, before, after, wanted.config)
    return {"config": seal(after)}


async def _refuse_one_more(account_id: UUID | None) -> None:
    """Under a lock on the account, so that of several at the same time only as many as fit get through."""
    if account_id is None:
        return
    await AccountRow.filter(id=account_id).select_for_update().first()
    most = section(WebhookSettings).max_per_account
    if await EndpointRow.filter(account_id=account_id).count() >= most:
        raise TooManyWebhooks(limit=most)


def _told(row: EndpointRow) -> dict[str, object]:
    """What the audit log tells."""
    return {"name": row.name, "kind": row.kind, "events": list(row.event_types), "enabled": row.is_enabled}
