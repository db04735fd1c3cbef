"""`/api/v1/admin/settings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muntin.access import Actor
from muntin.api.conditions import tag_of
from muntin.api.dialect import refuse_changed
from muntin.call import Call
from muntin.mail import service as mail
from muntin.mail.schemas import MailTestInput, MailTestResult
from muntin.mail.transport import MailFailed
from muntin.routing import Routes
from muntin.settings import service
from muntin.settings.schemas import SettingsInput
from muntin.settings.service import SectionView

routes = Routes(dialect="native", prefix="/api/v1/admin/settings", tags=("settings",))

Shown = dict[str, Mapping[str, Any]]


@routes.get("", returns=dict[str, dict[str, Any]], service=service.read_settings)
async def read_settings(actor: Actor) -> Shown:
    """All settings that the caller may read, by section; secrets are eight asterisks."""
    return _shown(await service.read_settings(actor))


@routes.put("", body=SettingsInput, returns=dict[str, dict[str, Any]], service=service.change_settings)
async def change_settings(actor: Actor, call: Call, changes: SettingsInput) -> Shown:
    """Update some settings."""
    versions: dict[str, int] | None = None
    condition = call.request.headers.get("If-Match")
    if condition is not None:
        seen = await service.read_settings(actor)
        refuse_changed(condition, tag_of(_shown(seen)))
        versions = {view.section: view.version for view in seen}
    return _shown(await service.change_settings(actor, changes=changes.by_section(), versions=versions))


@routes.post(
    "/email/test", body=MailTestInput, returns=MailTestResult, service=mail.send_test_mail, errors=(MailFailed,)
)
async def send_test_mail(actor: Actor, test: MailTestInput) -> MailTestResult:
    """Send a test mail."""
    return MailTestResult(await mail.send_test_mail(actor, email=test.email))


def _shown(views: tuple[SectionView, ...]) -> Shown:
    return {view.section: view.values for view in views}
