"""Eggs as people and programs see them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid5

from tortoise.functions import Count

from muntin_gameservers.eggs.advice import advice
from muntin_gameservers.eggs.definition import EggDefinition, VariableDefinition
from muntin_gameservers.eggs.rules import join_rules
from muntin_gameservers.eggs.templating import startup_detection
from muntin_gameservers.models import EggRow, ServerRow
from muntin_gameservers.nests.schemas import Egg, EggScript, EggVariable
from muntin_gameservers.nests.stored import definition_of


async def shown(rows: Sequence[EggRow]) -> list[Egg]:
    """The rows as `Egg`s, with one query however many there are."""
    counts = await _servers_of([row.id for row in rows])
    return [_egg(row, definition_of(row), counts.get(row.id, 0)) for row in rows]


async def shown_one(row: EggRow) -> Egg:
    """One row as an `Egg`."""
    return (await shown([row]))[0]


def variable_id(egg_id: UUID, env_variable: str) -> UUID:
    """The id a variable is shown with: always the same for one name in one egg."""
    return uuid5(egg_id, env_variable)


def variables_of(egg: EggDefinition, egg_id: UUID) -> tuple[EggVariable, ...]:
    """The variables in the order of a form."""
    numbered = [_variable(one, egg_id, place) for place, one in enumerate(egg.variables, start=1)]
    return tuple(sorted(numbered, key=lambda one: one.sort))


def startup_done(egg: EggDefinition) -> tuple[str, ...]:
    """Texts of which one in a console line says that the server is ready."""
    done = startup_detection(egg)["done"]
    return tuple(str(text) for text in done) if isinstance(done, list) else ()


def _variable(variable: VariableDefinition, egg_id: UUID, place: int) -> EggVariable:
    return EggVariable(
        id=variable_id(egg_id, variable.env_variable),
        name=variable.name,
        description=variable.description or "",
        env_variable=variable.env_variable,
        default_value=variable.default_value,
        user_viewable=variable.user_viewable,
        user_editable=variable.user_editable,
        rules=join_rules(variable.rules),
        sort=place if variable.sort is None else variable.sort,
    )


def _egg(row: EggRow, egg: EggDefinition, servers_count: int) -> Egg:
    script = egg.installation
    return Egg(
        id=row.id,
        nest_id=row.nest_id,
        name=row.name,
        description=row.description,
        author=row.author,
        docker_images=egg.docker_images,
        startup=egg.startup,
        startup_commands=egg.startup_commands,
        stop_command=egg.config.stop,
        startup_done=startup_done(egg),
        config_files=egg.config.files,
        log_config=egg.config.logs,
        install_script=EggScript(script=script.script, container=script.container, entrypoint=script.entrypoint),
        features=egg.features,
        file_denylist=egg.file_denylist,
        tags=egg.tags,
        variables=variables_of(egg, row.id),
        version=egg.version.value,
        warnings=tuple(f"{one.field}: {one.message}" for one in advice(egg)),
        servers_count=servers_count,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _servers_of(egg_ids: Sequence[UUID]) -> dict[UUID, int]:
    if not egg_ids:
        return {}
    rows = ServerRow.filter(egg_id__in=egg_ids).annotate(servers=Count("id")).group_by("egg_id")
    return {one["egg_id"]: one["servers"] for one in await rows.values("egg_id", "servers")}
