"""Making a server: a place is found, everything is stored, and a job tells the node."""

from __future__ import annotations

import secrets
from uuid import uuid4

from tortoise.exceptions import IntegrityError

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts.models import AccountRow
from muntin.database import Transaction, run_in_transaction
from muntin.errors import Conflict, InvalidInput
from muntin.jobs import enqueue
from muntin.translation import _
from muntin.vetoes import ask
from muntin_gameservers.events import ServerCreated
from muntin_gameservers.models import EggRow, ServerRow
from muntin_gameservers.nests.stored import definition_of
from muntin_gameservers.schemas import Server, ServerIn
from muntin_gameservers.servers.placement import chosen_place, take
from muntin_gameservers.servers.shown import shown_one
from muntin_gameservers.servers.variables import complete_environment

INSTALL = "gameservers.install"
_ASKED = {"name", "egg_id", "memory", "disk", "cpu"}


@guarded("admin.servers.create")
async def create_server(actor: Actor, wanted: ServerIn) -> Server:
    """Make a server; it is answered as soon as it is stored, and installed by its node after that.

    Raises:
        InvalidInput: A field is wrong, or names something that does not exist.
        Conflict: The address or the external id is taken.
        NoAllocationAvailable: No node has room.
        Vetoed: A plugin objects.
    """
    egg = await _egg(wanted)
    environment = complete_environment(definition_of(egg), wanted.environment)
    if not await AccountRow.exists(id=wanted.user_id):
        raise InvalidInput.of("user_id", _("There is no such account."))

    facts = wanted.model_dump(include=_ASKED)
    await ask("server.create", actor, {**facts, "owner_id": wanted.user_id})

    async def make(events: Transaction) -> ServerRow:
        row = await _store(wanted, egg, environment)
        await _announce(events, actor, row, wanted)
        return row

    try:
        row = await run_in_transaction(make)  # several that look at several nodes may have to let each other pass
    except IntegrityError as error:
        raise Conflict(_("Another server has this external id.")) from error
    return await shown_one(actor, row)


async def _egg(wanted: ServerIn) -> EggRow:
    egg = await EggRow.get_or_none(id=wanted.egg_id)
    if egg is None:
        raise InvalidInput.of("egg_id", _("There is no such egg."))
    return egg


async def _store(wanted: ServerIn, egg: EggRow, environment: dict[str, str]) -> ServerRow:
    """The server's row with its addresses, inside the caller's transaction."""
    definition = definition_of(egg)
    node, primary = await chosen_place(wanted)
    row = await ServerRow.create(
        id=uuid4(),  # nodes of the Wings protocol take no other version
        short_id=secrets.token_hex(4),
        external_id=wanted.external_id,
        name=wanted.name,
        description=wanted.description,
        owner_id=wanted.user_id,
        node_id=node.id,
        egg_id=egg.id,
        allocation_id=primary.id,
        memory_mib=wanted.memory,
        swap_mib=wanted.swap,
        disk_mib=wanted.disk,
        io_weight=wanted.io,
        cpu_percent=wanted.cpu,
        databases_limit=wanted.databases_limit,
        backups_limit=wanted.backups_limit,
        allocations_limit=wanted.allocations_limit,
        image=wanted.image or next(iter(definition.docker_images.values()), ""),
        startup=wanted.startup or next(iter(definition.startup_commands.values()), ""),
        environment=environment,
        skip_install=wanted.skip_install,
        start_on_completion=wanted.start_on_completion,
    )
    await take([primary.id], node.id, row.id, "allocation_id")
    if wanted.additional_allocation_ids:
        await take(wanted.additional_allocation_ids, node.id, row.id, "additional_allocation_ids")
    return row


async def _announce(events: Transaction, actor: Actor, row: ServerRow, wanted: ServerIn) -> None:
    events.add(
        ServerCreated(
            server_id=row.id,
            name=row.name,
            owner_id=row.owner_id,
            node_id=row.node_id,
            egg_id=row.egg_id,
            by=actor.account_id,
        )
    )
    await audit.record(events, actor, "server.created", ("server", row.id), wanted.model_dump(mode="json"))
    await enqueue(events, INSTALL, server_id=str(row.id))
