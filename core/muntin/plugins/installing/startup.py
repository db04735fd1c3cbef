"""Before a panel starts: the declared plugins are built where they are not, in a new container or on a second host."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path

from muntin.errors import MuntinError
from muntin.plugins.declared import Declared, read_declared, write_declared
from muntin.plugins.generations import Generations
from muntin.plugins.installing.journal import Journal
from muntin.plugins.installing.selection import assemble
from muntin.plugins.installing.sources import Sources
from muntin.plugins.installing.wheels import unpack

log = logging.getLogger("muntin.plugins")


def is_built(generations: Generations, declared: Declared) -> bool:
    """Whether the current generation is what the declared set says."""
    current = generations.current
    if current is None:
        return not declared.wheels
    return read_declared(generations.path(current)) == declared


async def build_declared(data_dir: Path) -> None:
    """Build the declared set if it is not there. What cannot be built is logged; the panel starts with what there is.

    Does nothing while somebody changes the plugins. Probing and migrating come after, as at every start.
    """
    generations = Generations(data_dir)
    if not generations.folder.is_dir() or generations.is_locked:
        return
    try:
        with generations.locked():
            _finish_switch(generations)
            declared = read_declared(generations.folder)
            if not is_built(generations, declared):
                await _build(generations, declared)
    except (MuntinError, OSError) as error:
        log.error("The declared plugins cannot be built: %s Run: muntin plugin sync", error)


async def _build(generations: Generations, declared: Declared) -> None:
    log.info("Building the declared plugins: %s", ", ".join(one.wheel for one in declared.wheels) or "none")
    if not declared.wheels:
        generations.switch(None)
        return
    with tempfile.TemporaryDirectory(prefix="muntin-install-") as staging:
        wheels = await assemble(generations, declared, Sources(online=True), Path(staging))
        number = generations.new()
        try:
            for wheel in wheels:
                await asyncio.to_thread(unpack, wheel, generations.path(number))
            write_declared(generations.path(number), declared)
        except BaseException:
            generations.remove(number)
            raise
    generations.switch(number)


def _finish_switch(generations: Generations) -> None:
    """Somebody was broken off between the switch and the note of what is declared now: the switch counts."""
    journal = Journal(generations.folder)
    pending = journal.read()
    if pending is not None and pending.after is not None and pending.after == generations.current:
        write_declared(generations.folder, read_declared(generations.path(pending.after)))
        journal.forget()
