"""What administrators set for webhooks."""

from __future__ import annotations

from pydantic import Field

from muntin.settings import Section
from muntin.translation import _


class WebhookSettings(Section):
    """Limits of webhooks."""

    plain_http: bool = Field(
        default=False,
        title=_("Allow http"),
        description=_("Addresses may begin with http://; what is sent can then be read on its way."),
        json_schema_extra={"danger": True},
    )
    max_per_account: int = Field(
        default=20,
        ge=0,
        le=1000,
        title=_("Webhooks per account"),
        description=_("With 0 only administrators have any."),
    )
    disable_after_hours: int = Field(
        default=72,
        ge=1,
        le=720,
        title=_("Switch off after"),
        description=_("A webhook is switched off, and its owner told, when nothing got through for so long."),
        json_schema_extra={"unit": _("hours")},
    )
    keep_days: int = Field(
        default=30,
        ge=4,
        le=365,
        title=_("Keep the log"),
        description=_("What was sent can be looked at and sent again for so long."),
        json_schema_extra={"unit": _("days")},
    )
