"""The headers by which a receiver knows that a request is the panel's.

Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature` with one `v1` (HMAC-SHA256) for each secret
that is good now and one `v1a` (Ed25519) for each key. `X-Webhook-Signature` is the HMAC of the body alone,
with the newest secret as it is written.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence

from muntin.signing import sign, sign_ed25519
from muntin_webhooks.destinations.destination import Notification
from muntin_webhooks.keys import ED25519, HMAC, Key, hmac_key


def signature_headers(one: Notification, keys: Sequence[Key], *, sent_at_s: int, body: bytes) -> Mapping[str, str]:
    """Every header that a signed delivery carries."""
    message = b"%s.%d.%s" % (str(one.id).encode(), sent_at_s, body)
    secrets = [key for key in keys if key.kind == HMAC]
    parts = [f"v1,{_base64(sign(hmac_key(key.value), message))}" for key in secrets]
    parts += [f"v1a,{_base64(sign_ed25519(key.value, message))}" for key in keys if key.kind == ED25519]
    headers = {
        "webhook-id": str(one.id),
        "webhook-timestamp": str(sent_at_s),
        "X-Webhook-Event": one.type,
        "X-Webhook-Delivery": str(one.delivery_id),
        "X-Webhook-Timestamp": str(sent_at_s),
        "X-Webhook-Sequence": str(one.sequence),
    }
    if parts:
        headers["webhook-signature"] = " ".join(parts)
    if secrets:
        headers["X-Webhook-Signature"] = sign(secrets[0].value.encode(), body).hex()
    return headers


def _base64(value: bytes) -> str:
    return b64encode(value).decode()
