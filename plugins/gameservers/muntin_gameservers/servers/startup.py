"""The start command and variables of a server, for its owner and those who share in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import Forbidden, InvalidInput, NotFound
from muntin.jobs import enqueue
from muntin.schemas import Input, no_nul
from muntin.translation import _
from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.eggs.rules import check, value_text
from muntin_gameservers.eggs.templating import render_startup
from muntin_gameservers.errors import ServerSuspended, VariableNotEditable
from muntin_gameservers.events import ServerUpdated
from muntin_gameservers.models import AllocationRow, EggRow, ServerRow
from muntin_gameservers.nests.schemas import EggVariable
from muntin_gameservers.nests.shown import variables_of
from muntin_gameservers.nests.stored import definition_of
from muntin_gameservers.servers.changes import SYNC
from muntin_gameservers.servers.states import refuse_moving

HIDDEN = "[hidden]"
"""Shown in the start command for the value of a variable that users may not see."""

LONGEST_VALUE = 16_384


def scalar(value: object) -> object:
    """A text without NUL, a number, a truth value or nothing."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str) or len(value) > LONGEST_VALUE:
        raise ValueError(_("Give a text of at most {most} characters, a number or a truth value.", most=LONGEST_VALUE))
    return no_nul(value)


Scalar = str | bool | int | float | None
Value = Annotated[Scalar, PlainValidator(scalar, json_schema_input_type=Scalar)]


class StartupIn(Input):
    """New values of variables, and the image; what is left out stays."""

    environment: Annotated[dict[Annotated[str, Field(max_length=191)], Value], Field(max_length=500)] = {}
    image: Annotated[str, Field(min_length=1, max_length=255)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartupVariable(EggVariable):
    """A variable and its value on this server."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """How a server starts.

    Attributes:
        startup: The command with its placeholders.
        rendered: The command with the values in place.
        images: Label -> image that the egg offers.
        variables: Those that users may see.
    """

    startup: str
    rendered: str
    image: str
    images: Mapping[str, str]
    variables: tuple[StartupVariable, ...]


@guarded("startup.read", on=ServerRow)
async def load_startup(actor: Actor, server: ServerRow) -> Startup:
    """The start command and the variables that users may see."""
    return await _shown(server)


@guarded("startup.update", on=ServerRow)
async def update_startup(actor: Actor, server: ServerRow, changes: StartupIn) -> Startup:
    """Set variables or choose another image of the egg; takes effect at the next start.

    Raises:
        VariableNotEditable: Users may not change (or not even see) one of the variables; nothing was changed.
        InvalidInput: The egg has no such variable or image, or a value breaks its rules.
        Forbidden: An administrator gave the server an image that is none of the egg's.
        ServerSuspended: The server is suspended.
        ServerLocked: It is being moved to another node.
    """
    async with transaction() as events:
        current = await ServerRow.select_for_update().get_or_none(id=server.id)  # two changes must not undo each other
        if current is None:
            raise NotFound
        refuse_moving(current)
        if current.is_suspended:
            raise ServerSuspended
        egg = await _egg_of(current)
        values = _new_values(egg, current, changes)
        await ServerRow.filter(id=current.id).update(**values, updated_at=datetime.now(UTC))
        changed = (*(f"environment.{name}" for name in changes.environment), *(("image",) if changes.image else ()))
        events.add(
            ServerUpdated(
                server_id=current.id, name=current.name, owner_id=current.owner_id, changed=changed, by=actor.account_id
            )
        )
        await audit.record(events, actor, "server.startup_updated", ("server", current.id), {"changed": changed})
        await enqueue(events, SYNC, server_id=str(current.id))
    return await _shown(await ServerRow.get(id=server.id))


async def _egg_of(server: ServerRow) -> EggDefinition:
    return definition_of(await EggRow.get(id=server.egg_id))


def _new_values(egg: EggDefinition, server: ServerRow, changes: StartupIn) -> dict[str, Any]:
    values: dict[str, Any] = {"environment": _checked(egg, server.environment, changes.environment)}
    if changes.image is not None and changes.image != server.image:
        images = egg.docker_images.values()
        if server.image not in images:
            raise Forbidden(_("The image of this server was set by an administrator."))
        if changes.image not in images:
            raise InvalidInput.of("image", _("Choose one of the images of the egg."))
        values["image"] = changes.image
    return values


def _checked(egg: EggDefinition, before: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    """The environment with new values; only these have to pass their rules, since the others are not the user's."""
    known = {one.env_variable: one for one in egg.variables}
    unknown = {f"environment.{name}": [_("This egg has no such variable.")] for name in given if name not in known}
    if unknown:
        raise InvalidInput(unknown)
    fixed = sorted(name for name in given if not (known[name].user_viewable and known[name].user_editable))
    if fixed:
        raise VariableNotEditable(_("These variables cannot be changed: {names}.", names=", ".join(fixed)))
    current = {name: before.get(name, one.default_value) for name, one in known.items()}
    broken = check({name: one.rules for name, one in known.items()}, {**current, **given})
    refused = {f"environment.{name}": messages for name, messages in broken.items() if name in given}
    if refused:
        raise InvalidInput(refused)
    return {**before, **{name: value_text(value, known[name].rules) for name, value in given.items()}}


async def _shown(server: ServerRow) -> Startup:
    egg = await _egg_of(server)
    primary = await AllocationRow.get_or_none(id=server.allocation_id)
    values = {one.env_variable: server.environment.get(one.env_variable, one.default_value) for one in egg.variables}
    hidden = {one.env_variable: HIDDEN for one in egg.variables if not one.user_viewable}
    places = {
        "SERVER_MEMORY": str(server.memory_mib),
        "SERVER_IP": primary.ip if primary else "",
        "SERVER_PORT": str(primary.port) if primary else "",
    }
    return Startup(
        startup=server.startup,
        rendered=render_startup(server.startup, {**values, **hidden, **places}),
        image=server.image,
        images=egg.docker_images,
        variables=tuple(
            _with_value(one, values[one.env_variable]) for one in variables_of(egg, server.egg_id) if one.user_viewable
        ),
    )


def _with_value(variable: EggVariable, value: str) -> StartupVariable:
    return StartupVariable(**{one.name: getattr(variable, one.name) for one in fields(EggVariable)}, value=value)
