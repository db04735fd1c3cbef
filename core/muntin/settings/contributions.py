"""What the settings bring to the core."""

from __future__ import annotations

from muntin.access import Permission
from muntin.contributions import SettingsModel
from muntin.settings.events import SettingsChanged
from muntin.settings.sections import (
    FeatureSettings,
    GeneralSettings,
    MailSettings,
    OidcSettings,
    OutgoingSettings,
    RetentionSettings,
    SecuritySettings,
)
from muntin.translation import _

PERMISSIONS = (
    Permission(
        key="admin.settings.general", group=_("Settings"), description=_("Read and change the settings of the panel.")
    ),
    Permission(
        key="admin.settings.security",
        group=_("Settings"),
        description=_("Read and change who may sign in and how; needs the general settings too."),
    ),
    Permission(
        key="admin.settings.mail",
        group=_("Settings"),
        description=_("Read and change how mail is sent, and send a test; needs the general settings too."),
    ),
)
SETTINGS = (
    SettingsModel(section="general", model=GeneralSettings, title=_("General"), order=10),
    SettingsModel(
        section="security",
        model=SecuritySettings,
        title=_("Security"),
        permission="admin.settings.security",
        order=20,
    ),
    SettingsModel(section="mail", model=MailSettings, title=_("Mail"), permission="admin.settings.mail", order=30),
    SettingsModel(section="features", model=FeatureSettings, title=_("Features"), order=40),
    SettingsModel(
        section="oidc",
        model=OidcSettings,
        title=_("Sign-in with OpenID Connect"),
        permission="admin.settings.security",
        order=50,
    ),
    SettingsModel(section="retention", model=RetentionSettings, title=_("Retention"), order=60),
    SettingsModel(
        section="outgoing",
        model=OutgoingSettings,
        title=_("Outgoing requests"),
        permission="admin.settings.security",
        order=70,
    ),
)
EVENTS = (SettingsChanged,)
