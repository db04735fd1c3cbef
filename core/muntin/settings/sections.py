"""The core's own sections. Titles and help texts are what the settings page shows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from muntin.schemas import Line, Name
from muntin.settings.checks import language_tag, networks, time_zone, web_address
from muntin.translation import _

Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, values never change in place."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class GeneralSettings(Section):
    """How the panel presents itself."""

    name: Name = Field(default="muntin", title=_("Name"), description=_("Shown in titles and in mails."))
    url: Annotated[Line, StringConstraints(max_length=255)] = Field(
        default="", title=_("Address"), description=_("Where people reach the panel; used in links in mails.")
    )
    language: Line = Field(default="en", title=_("Language"), description=_("For people who have not chosen one."))
    timezone: Line = Field(default="UTC", title=_("Time zone"), description=_("For people who have not chosen one."))

    _url = field_validator("url")(web_address)
    _language = field_validator("language")(language_tag)
    _timezone = field_validator("timezone")(time_zone)


class SecuritySettings(Section):
    """Who may come in, and how long they may stay."""

    two_factor: Literal["disabled", "admins", "all"] = Field(
        default="disabled",
        title=_("Demand a second factor"),
        description=_("From nobody, from everybody who may administer something, or from all."),
    )
    password_min_length: int = Field(
        default=8, ge=8, le=128, title=_("Shortest password"), json_schema_extra={"unit": _("characters")}
    )
    session_lifetime_minutes: int = Field(
        default=10080,
        ge=5,
        le=10080,
        title=_("Longest session"),
        description=_("After this everybody has to sign in again."),
        json_schema_extra={"unit": _("minutes")},
    )
    session_timeout_minutes: int = Field(
        default=1440,
        ge=5,
        le=10080,
        title=_("Idle time"),
        description=_("A session that is not used for so long ends."),
        json_schema_extra={"unit": _("minutes")},
    )
    max_failed_attempts: int = Field(
        default=10,
        ge=3,
        le=1000,
        title=_("Failed attempts"),
        description=_("So many wrong passwords or codes, and the address has to wait."),
    )
    lockout_minutes: int = Field(
        default=15, ge=1, le=1440, title=_("Waiting time"), json_schema_extra={"unit": _("minutes")}
    )
    registration_enabled: bool = Field(
        default=False,
        title=_("Registration"),
        description=_("Anybody may make an account."),
        json_schema_extra={"danger": True},
    )
    email_verification: bool = Field(
        default=False, title=_("Verify addresses"), description=_("New accounts wait until their address is verified.")
    )


class MailSettings(Section):
    """How mail leaves the panel."""

    driver: Literal["smtp", "log"] = Field(
        default="log", title=_("Delivery"), description=_("By SMTP, or only noted in the log (without the text).")
    )
    host: Annotated[Line, StringConstraints(max_length=253)] = Field(default="", title=_("Server"))
    port: Port = Field(default=587, title=_("Port"))
    username: Annotated[Line, StringConstraints(max_length=320)] = Field(default="", title=_("User name"))
    password: SecretStr | None = Field(default=None, title=_("Password"))
    encryption: Literal["tls", "starttls", "none"] = Field(
        default="starttls",
        title=_("Encryption"),
        description=_("TLS from the start (port 465), STARTTLS (port 587), or none."),
    )
    from_address: Annotated[Line, StringConstraints(max_length=320)] = Field(
        default="panel@localhost", title=_("Sender address")
    )
    from_name: Annotated[Line, StringConstraints(max_length=191)] = Field(
        default="", title=_("Sender name"), description=_("Left empty, the name of the panel.")
    )


class FeatureSettings(Section):
    """What people may use."""

    api_keys: bool = Field(default=True, title=_("API keys"), description=_("People may make keys for the API."))
    sign_in_notices: bool = Field(
        default=True,
        title=_("Security notices"),
        description=_("People are told by mail of new sign-ins and of changes to their password and second factor."),
    )


class OidcSettings(Section):
    """Sign-in through an OpenID Connect provider."""

    enabled: bool = Field(default=False, title=_("Enabled"))
    label: Name = Field(
        default="OpenID Connect", title=_("Name"), description=_("Shown on the button of the sign-in page.")
    )
    issuer: Annotated[Line, StringConstraints(max_length=255)] = Field(
        default="", title=_("Issuer"), description=_("Its address; the configuration is read from there.")
    )
    client_id: Annotated[Line, StringConstraints(max_length=255)] = Field(default="", title=_("Client id"))
    client_secret: SecretStr | None = Field(default=None, title=_("Client secret"))
    scopes: Annotated[Line, StringConstraints(max_length=255)] = Field(
        default="openid email profile", title=_("Scopes")
    )
    create_accounts: bool = Field(
        default=False,
        title=_("Make accounts"),
        description=_("Whoever the provider vouches for gets an account at the first sign-in."),
        json_schema_extra={"danger": True},
    )

    _issuer = field_validator("issuer")(web_address)


class RetentionSettings(Section):
    """How long records are kept."""

    audit_days: int = Field(default=365, ge=1, le=36500, title=_("Audit log"), json_schema_extra={"unit": _("days")})
    events_days: int = Field(default=30, ge=1, le=3650, title=_("Events"), json_schema_extra={"unit": _("days")})
    jobs_days: int = Field(default=30, ge=1, le=3650, title=_("Ended jobs"), json_schema_extra={"unit": _("days")})
    mail_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        title=_("Mail"),
        description=_("Who was sent what and when; the text itself is forgotten at once."),
        json_schema_extra={"unit": _("days")},
    )


class OutgoingSettings(Section):
    """Where the panel sends requests that users ask for (webhooks, downloads)."""

    allowed_networks: list[Annotated[Line, StringConstraints(max_length=64)]] = Field(
        default_factory=list,
        max_length=100,
        title=_("Allowed networks"),
        description=_("Networks that may be reached although they are not public, such as 192.168.10.0/24."),
        json_schema_extra={"danger": True, "placeholder": "192.168.10.0/24"},
    )

    _allowed_networks = field_validator("allowed_networks")(networks)
