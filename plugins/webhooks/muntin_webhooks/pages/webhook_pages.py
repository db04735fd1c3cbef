"""The pages themselves; one object for each side."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quart import Response

from muntin.access import Actor, require
from muntin.api.json import dumps
from muntin.call import Call
from muntin.errors import InvalidInput
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.rows import row
from muntin.pages.submitting import Done, Problems, attempt, require_name, submit, typed
from muntin.pages.tables import view
from muntin.schemas import PageQuery
from muntin.translation import _
from muntin_webhooks.destinations.destination import Destination
from muntin_webhooks.destinations.known import destinations
from muntin_webhooks.pages.figures import chart_of
from muntin_webhooks.pages.form import form_fields, input_of, known_values, suggested
from muntin_webhooks.pages.side import Side
from muntin_webhooks.schemas import (
    NATIVE_NAMES,
    DeliveryQuery,
    ReplayInput,
    RotationInput,
    Statistics,
    Webhook,
    WebhookChanges,
    WebhookInput,
)


class WebhookPages:
    """Handlers of one side."""

    def __init__(self, side: Side) -> None:
        self.side, self.services = side, side.services

    async def list_webhooks(self, actor: Actor, call: Call, query: PageQuery) -> Page:
        """The webhooks, and how they did in the last day."""
        page = await self.services.list_webhooks(actor, query)
        values = {
            "rows": [
                row(one, path=f"{self.side.base}/{one.id}", state=_state(one), kind=_label(one)) for one in page.items
            ],
            "view": view(call, page, sort="name"),
            "kinds": list(destinations().values()),
            "figures": await self.services.load_statistics(actor),
            "may_change": actor.may(self.services.manage),
        }
        return self.side.page("list", values, title=_("Webhooks"))

    async def show_figures(self, actor: Actor) -> Response:
        """The chart of all of them."""
        return _json(await self.services.load_statistics(actor))

    async def show_own_figures(self, actor: Actor, webhook_id: UUID) -> Response:
        """The chart of one."""
        return _json(await self.services.load_figures(actor, webhook_id))

    async def new_webhook(self, actor: Actor, kind: str) -> Page:
        """The form of a new one."""
        require(actor, self.services.manage)
        return await self._form(actor, _destination(kind), None, Problems())

    async def create_webhook(self, actor: Actor, call: Call, kind: str) -> Page:
        """Make it, and show its secret, once."""
        require(actor, self.services.manage)
        destination = _destination(kind)
        done = await self._submit(
            call, destination, WebhookInput, lambda form: self.services.create_webhook(actor, form)
        )
        if not isinstance(done, Done):
            return await self._form(actor, destination, None, done)
        return self._secret(done.value, _("The webhook {name} was made", name=done.value.name))

    async def show_webhook(self, actor: Actor, call: Call, webhook_id: UUID, query: DeliveryQuery) -> Page:
        """One webhook with its log."""
        webhook = await self.services.load_webhook(actor, webhook_id)
        return await self._show(actor, call, webhook, query)

    async def edit_webhook(self, actor: Actor, webhook_id: UUID) -> Page:
        """The form of one that is there."""
        webhook = await self.services.load_for_change(actor, webhook_id)
        return await self._form(actor, _destination(_kind(webhook)), webhook, Problems())

    async def save_webhook(self, actor: Actor, call: Call, webhook_id: UUID) -> Page | Redirect:
        """Change it."""
        webhook = await self.services.load_for_change(actor, webhook_id)
        destination = _destination(_kind(webhook))
        done = await self._submit(
            call, destination, WebhookChanges, lambda form: self.services.update_webhook(actor, webhook_id, form)
        )
        if isinstance(done, Done):
            return Redirect(self._path(webhook_id), notice="saved")
        return await self._form(actor, destination, webhook, done)

    async def switch_webhook(self, actor: Actor, call: Call, webhook_id: UUID) -> Redirect:
        """Switch it on or off."""
        on = (await typed(call)).get("on") == "true"
        work = self.services.update_webhook(actor, webhook_id, WebhookChanges(is_enabled=on))
        notice = _("The webhook is on.") if on else _("The webhook is off.")
        return await attempt(work, back=self._path(webhook_id), notice=notice)

    async def delete_webhook(self, actor: Actor, call: Call, webhook_id: UUID) -> Redirect:
        """Delete it, if its name was typed."""
        webhook = await self.services.load_for_change(actor, webhook_id)
        sent = await typed(call)

        async def act() -> None:
            require_name(sent, webhook.name)
            await self.services.delete_webhook(actor, webhook_id)

        return await attempt(act(), back=self._path(webhook_id), then=self.side.base, notice="deleted")

    async def rotate_secret(self, actor: Actor, webhook_id: UUID) -> Page:
        """A new secret, shown once."""
        made = await self.services.rotate_secret(actor, webhook_id, RotationInput())
        return self._secret(made, _("The new secret of {name}; the old one is good for 24 hours more", name=made.name))

    async def send_test(self, actor: Actor, webhook_id: UUID) -> Redirect:
        """Send a test and show what came of it."""
        sent = await self.services.send_test(actor, webhook_id)
        path = f"{self._path(webhook_id)}/deliveries/{sent.id}"
        if sent.status == "success":
            return Redirect(path, notice=_("The test got through."))
        return Redirect(path, notice=_("The test did not get through."), kind="danger")

    async def replay(self, actor: Actor, call: Call, webhook_id: UUID) -> Page | Redirect:
        """Send the messages of a time window again."""
        webhook = await self.services.load_for_change(actor, webhook_id)
        sent = await typed(call)
        values = {name: value for name, value in sent.items() if value != ""}
        for name in ("since", "until"):
            if name in values and len(str(values[name])) == len("2026-01-31T12:00"):
                values[name] = f"{values[name]}:00Z"
        done = await submit(
            call, ReplayInput, lambda form: self.services.replay(actor, webhook_id, form), values=values
        )
        if isinstance(done, Done):
            return Redirect(self._path(webhook_id), notice=_("The messages of that time are being sent again."))
        return await self._show(actor, call, webhook, DeliveryQuery(), done)

    async def show_delivery(self, actor: Actor, webhook_id: UUID, delivery_id: UUID) -> Page:
        """One delivery: what was sent, what came back, every try."""
        webhook = await self.services.load_webhook(actor, webhook_id)
        delivery = await self.services.load_delivery(actor, webhook_id, delivery_id)
        path = self._path(webhook_id)
        values = {
            "webhook": webhook,
            "delivery": delivery,
            "path": f"{path}/deliveries/{delivery_id}",
            "may_change": actor.may(self.services.manage),
        }
        return self.side.page("delivery", values, title=delivery.event, way=(Crumb(label=webhook.name, path=path),))

    async def redeliver(self, actor: Actor, webhook_id: UUID, delivery_id: UUID) -> Redirect:
        """Send the same message once more."""
        path = self._path(webhook_id)
        work = self.services.redeliver(actor, webhook_id, delivery_id)
        return await attempt(work, back=path, notice=_("The message is sent again."))

    def _path(self, webhook_id: UUID) -> str:
        return f"{self.side.base}/{webhook_id}"

    async def _submit(self, call: Call, destination: Destination, model: Any, act: Any) -> Done[Any] | Problems:
        sent = await typed(call)
        try:
            values = input_of(destination, sent)
        except InvalidInput as error:
            return Problems(sent, error.fields)
        done = await submit(call, model, act, values=values, shown=(InvalidInput,))
        return done if isinstance(done, Done) else _sorted_out(done)

    async def _form(self, actor: Actor, destination: Destination, webhook: Webhook | None, found: Problems) -> Page:
        known = {**known_values(webhook), **found.typed}
        if found.typed:
            known["is_enabled"] = found.typed.get("is_enabled") in ("true", "on", "1")
        kinds = suggested(await self.services.list_events(actor))
        fields = form_fields(destination, known, webhook.config if webhook else {}, found.fields, kinds)
        action = f"{self._path(webhook.id)}/edit" if webhook else f"{self.side.base}/new/{destination.kind}"
        title = _("Change {name}", name=webhook.name) if webhook else _("New webhook: {kind}", kind=destination.label)
        way = (Crumb(label=webhook.name, path=self._path(webhook.id)),) if webhook else ()
        values = {
            "fields": fields,
            "action": action,
            "cancel": self._path(webhook.id) if webhook else self.side.base,
            "problems": found,
            "kinds": kinds,
            "below": True,
        }
        return self.side.page("form", values, title=title, way=way, status=found.status)

    async def _show(
        self, actor: Actor, call: Call, webhook: Webhook, query: DeliveryQuery, found: Problems | None = None
    ) -> Page:
        page = await self.services.list_deliveries(actor, webhook.id, query)
        path = self._path(webhook.id)
        values = {
            "webhook": webhook,
            "state_of": _state(webhook),
            "kind": _label(webhook),
            "conditions": known_values(webhook)["filters"].replace("\n", ", "),
            "path": path,
            "rows": [row(one, path=f"{path}/deliveries/{one.id}") for one in page.items],
            "view": view(call, page, sort="-created_at"),
            "figures": await self.services.load_figures(actor, webhook.id),
            "problems": found or Problems(),
            "may_change": actor.may(self.services.manage),
            "below": True,
        }
        return self.side.page("show", values, title=webhook.name, status=found.status if found else 200)

    def _secret(self, made: Any, heading: str) -> Page:
        values = {"made": made, "heading": heading, "path": self._path(made.id), "below": True}
        return self.side.page("secret", values, title=made.name)


def _destination(kind: str) -> Destination:
    found = destinations().get(kind)
    if found is None:
        raise InvalidInput.of("type", _("There is no such destination."))
    return found


def _kind(webhook: Webhook) -> str:
    return NATIVE_NAMES.get(webhook.type, webhook.type)


def _label(webhook: Webhook) -> str:
    known = destinations().get(_kind(webhook))
    return known.label if known else webhook.type


def _state(webhook: Webhook) -> str:
    if not webhook.enabled:
        return "disabled"
    return "failing" if webhook.failing_since else "active"


def _sorted_out(found: Problems) -> Problems:
    """Messages of the destination's fields come as `config.url: …` without a field of the form."""
    fields = dict(found.fields)
    general = []
    for text in found.general:
        name, colon, message = text.partition(": ")
        if colon and (name == "url" or name.startswith("config.")):
            fields.setdefault(name, []).append(message)  # type: ignore[attr-defined]  # lists, as they were made
        else:
            general.append(text)
    if "config" in fields and not general:
        general = list(fields["config"])
    return Problems(found.typed, fields, tuple(general))


def _json(figures: Statistics) -> Response:
    body = dumps(chart_of(figures))
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})
