"""The set of contributions a worker works with."""

from __future__ import annotations

from collections.abc import Iterable

from muntin.jobs.contributions import Contribution, Cron, Saga, Task
from muntin.jobs.crons import is_cron


class InvalidContribution(ValueError):
    """The set contradicts itself; the message names whom."""


def sort_out(contributions: Iterable[Contribution]) -> tuple[dict[str, Task | Saga], list[Cron]]:
    """Handlers by name, and crons.

    Raises:
        InvalidContribution: A name is taken twice, or a cron has no time or no task.
    """
    handlers: dict[str, Task | Saga] = {}
    crons: list[Cron] = []
    for one in contributions:
        if isinstance(one, Cron):
            crons.append(one)
        elif one.name in handlers:
            raise InvalidContribution(f"two jobs are called {one.name}")
        else:
            handlers[one.name] = one
    for cron in crons:
        if not is_cron(cron.expression):
            raise InvalidContribution(f"{cron.name}: {cron.expression!r} is not five fields of a cron")
        if cron.task not in handlers:
            raise InvalidContribution(f"{cron.name}: there is no job called {cron.task}")
    if len({cron.name for cron in crons}) < len(crons):
        raise InvalidContribution("two crons have the same name")
    return handlers, crons
