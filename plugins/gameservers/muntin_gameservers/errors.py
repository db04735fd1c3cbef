"""What may go wrong with game servers."""

from __future__ import annotations

from muntin.errors import Conflict, Forbidden, InvalidInput


class ServerOffline(Conflict):
    """Commands need a running server."""

    code = "server_offline"
    default_message = "The server is not running."


class ServerLocked(Conflict):
    """The server is being installed, deleted, restored or moved."""

    code = "server_locked"
    default_message = "The server is busy; wait until it is done."


class ServerSuspended(Conflict):
    """The server was suspended."""

    code = "server_suspended"
    default_message = "The server is suspended."


class NoAllocationAvailable(Conflict):
    """No node has room and a free port."""

    code = "no_allocation_available"
    default_message = "No node has enough free memory, disk and a free port."


class AllocationInUse(Conflict):
    """A server has this address."""

    code = "allocation_in_use"
    default_message = "A server uses this address."


class AllocationPrimary(Conflict):
    """The primary address stays as long as the server does."""

    code = "allocation_primary"
    default_message = "The primary address cannot be removed; make another one primary first."


class NestInUse(Conflict):
    """There are eggs in the nest."""

    code = "nest_in_use"
    default_message = "There are eggs in this nest."


class EggInUse(Conflict):
    """Servers run this egg."""

    code = "egg_in_use"
    default_message = "Servers use this egg."


class EggInvalid(InvalidInput):
    """The file is not an egg."""

    code = "egg_invalid"
    default_message = "This is not a usable egg."


class VariableNotEditable(Forbidden):
    """Only administrators set this variable."""

    code = "variable_not_editable"
    default_message = "This variable cannot be changed."
