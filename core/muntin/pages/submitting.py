"""Forms that were sent: read, acted on, and shown again with what was typed and what was wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from quart import Request

from muntin.call import Call
from muntin.dialects import validate
from muntin.errors import Forbidden, InvalidInput, MuntinError, NotAuthenticated, NotFound
from muntin.pages import forms
from muntin.pages.answers import Redirect
from muntin.pages.dialect import form_values
from muntin.translation import _

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")
RAISED = (Forbidden, NotFound, NotAuthenticated)
"""What a person may not do or see at all is an error page, not a hint in a form."""


@dataclass(frozen=True, slots=True)
class Problems:
    """Why a form is shown again.

    Attributes:
        typed: What the browser sent.
        fields: Field -> messages, shown below it.
        general: Messages that belong to no field of the form.
    """

    typed: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    general: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """Of the page that shows the form: refused, or not sent yet."""
        return 422 if self.fields or self.general else 200


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The form was taken; `value` is what the action answered."""

    value: T


async def typed(call: Call) -> dict[str, Any]:
    """What a form sent, as text."""
    assert isinstance(call.request, Request)  # noqa: S101 - websockets have no body
    raw = await call.request.get_data(as_text=False)
    return form_values(call, raw if isinstance(raw, bytes) else raw.encode())


async def submit(
    call: Call,
    model: type[Model],
    act: Callable[[Model], Awaitable[T]],
    *,
    values: Mapping[str, Any] | None = None,
    shown: tuple[type[MuntinError], ...] = (),
) -> Done[T] | Problems:
    """Read the form as the model and act on it.

    Args:
        values: Used instead of what `forms.read` makes of the form.
        shown: Failures that the form shows although they would be raised otherwise.

    Returns:
        `Done`, or `Problems` when fields are wrong or the action is refused by the state of things.
        What the person may not do or see at all is raised as anywhere.
    """
    sent = await typed(call)
    try:
        return Done(await act(validate(model, values if values is not None else forms.read(model, sent))))
    except MuntinError as error:
        if isinstance(error, RAISED) and not isinstance(error, shown):
            raise
        return problems(error, sent, model.model_fields)


async def attempt(work: Awaitable[object], *, back: str, then: str = "", notice: str = "") -> Redirect:
    """Do what a button without a form asks for, and go on to a page that says how it went.

    Args:
        back: Where the button was; a refusal is shown there.
        then: Where to go when it was done, if not back.
        notice: What is said then.
    """
    try:
        await work
    except RAISED:
        raise
    except MuntinError as error:
        return Redirect(back, notice=error.message, kind="danger")
    return Redirect(then or back, notice=notice)


def require_name(sent: Mapping[str, Any], name: str) -> None:
    """Refuse to destroy what was not named by whoever asks for it.

    Raises:
        InvalidInput: Something else was typed.
    """
    if str(sent.get("confirm", "")).strip() != name:
        raise InvalidInput.of("confirm", _("Type the name {name} to confirm.", name=name))


def problems(error: MuntinError, sent: Mapping[str, Any], known: Mapping[str, Any]) -> Problems:
    """An expected failure as something a form can show; messages of unknown fields become general ones."""
    named = error.fields if isinstance(error, InvalidInput) else _named(error, known)
    if not named:
        return Problems(sent, {}, (error.message,))
    own: dict[str, list[str]] = {}
    general: list[str] = []
    for name, messages in named.items():
        field_name = name.split(".")[0]  # `allowed_ips.1` is shown at the list
        if field_name in known:
            empty = field_name in sent and sent[field_name] == ""
            own.setdefault(field_name, []).extend([_("This is needed.")] if empty else messages)
        else:
            general.append(f"{name}: {' '.join(messages)}")
    return Problems(sent, own, tuple(general))


def _named(error: MuntinError, known: Mapping[str, Any]) -> dict[str, list[str]]:
    """Fields that a conflict names in its details (`AccountExists`)."""
    return {
        name: [str(one) for one in messages]
        for name, messages in error.details.items()
        if name in known and isinstance(messages, list)
    }
