"""What may go wrong with webhooks."""

from __future__ import annotations

from muntin.errors import Conflict, LimitReached


class TooManyWebhooks(LimitReached):
    """The account has as many webhooks as it may have."""

    code = "webhook_limit_reached"
    default_message = "You have as many webhooks as you may have."


class TooManySecrets(Conflict):
    """Several rotations overlap already."""

    code = "webhook_secrets_overlap"
    default_message = "Several secrets are still good; wait until the older ones run out."


class DestinationMissing(Conflict):
    """The plugin that knew how to send there is not enabled."""

    code = "webhook_destination_missing"
    default_message = "The plugin that sends to this destination is not enabled."
