"""What each plugin's jobs may take."""

from __future__ import annotations

from muntin.jobs.contributions import JobLimits
from muntin.jobs.job import JobQueueFull, JobState
from muntin.jobs.models import JobRow
from muntin.runtime import open_panel

DEFAULT = JobLimits()


def limits_of(plugin: str) -> JobLimits:
    """The limits that the plugin contributes, else those of everybody."""
    panel = open_panel()
    found = panel.registry.owned(JobLimits) if panel else ()
    return next((owned.value for owned in found if owned.plugin == plugin), DEFAULT)


async def refuse_full_queue(plugin: str) -> None:
    """Raises:
    JobQueueFull: So many of its jobs wait already.
    """
    most = limits_of(plugin).queued
    waiting = JobRow.filter(plugin=plugin, state=JobState.QUEUED.value)
    if await waiting.offset(most - 1).limit(1).values_list("id", flat=True):
        raise JobQueueFull(plugin=plugin, limit=most)
