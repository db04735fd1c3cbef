"""Durable work: who runs it, with what, when."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import get_type_hints

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.loaded import Loaded
from muntin.contributions import Cron, Saga, Task
from muntin.jobs import JobContext

SIGNATURE_RULE = Rule(
    "job-signature",
    "error",
    "The worker calls the handler with a context, and with the job's arguments as keywords, at each attempt.",
    "Write `async def tidy(context: JobContext, *, note_id: str) -> None`; arguments are JSON.",
)
UNKNOWN_RULE = Rule(
    "job-unknown",
    "error",
    "A job of a name that nobody runs waits for ever.",
    "Correct the name, or contribute the Task or Saga in muntin_jobs.",
)
CRON_RULE = Rule(
    "job-cron",
    "error",
    "The worker refuses the whole set of jobs when one time cannot be read.",
    'Write five fields: minute, hour, day, month, weekday ("*/5 * * * *").',
)
LIMITS_RULE = Rule(
    "job-limits",
    "error",
    "A task without attempts or time is never done; one without an end blocks others.",
    "Let max_attempts be 1 or more, and timeout_s above 0 and at most a day.",
)
DAY_S = 86_400


def check(loaded: Loaded) -> Iterator[Finding]:
    """Every task, saga and cron; every name that the sources queue."""
    known = {one.name for one in loaded.known(Task)} | {one.name for one in loaded.known(Saga)}
    both: list[Task | Saga] = [*loaded.of(Task), *loaded.of(Saga)]
    for job in both:
        yield from _signature(loaded, job)
        if not 0 < job.timeout_s <= DAY_S or (isinstance(job, Task) and job.max_attempts < 1):
            yield LIMITS_RULE.at(f"job {job.name}", f"timeout_s={job.timeout_s}.")
    for cron in loaded.of(Cron):
        if not _is_cron(cron.expression):
            yield CRON_RULE.at(f"cron {cron.name}", f"{cron.expression!r} is not a time.")
        if cron.task not in known:
            yield UNKNOWN_RULE.at(f"cron {cron.name}", f"There is no job {cron.task!r}.")
    for where, name in _queued(loaded):
        if name not in known and name.split(".")[0] == loaded.name:
            yield UNKNOWN_RULE.at(where, f"There is no job {name!r}.")


def _signature(loaded: Loaded, job: Task | Saga) -> Iterator[Finding]:
    where = f"job {job.name} ({loaded.line_of(job.handler)})"
    if not inspect.iscoroutinefunction(inspect.unwrap(job.handler)):
        yield SIGNATURE_RULE.at(where, "The handler is not async.")
        return
    parameters = list(inspect.signature(job.handler).parameters.values())
    positional = [one for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]
    if not positional or not _takes_context(job, positional[0].name):
        yield SIGNATURE_RULE.at(where, "Its first parameter is not the context.")
    elif any(one.kind is one.POSITIONAL_ONLY for one in parameters[1:]):
        yield SIGNATURE_RULE.at(where, "Its arguments cannot be given as keywords.")


def _takes_context(job: Task | Saga, name: str) -> bool:
    try:
        hint = get_type_hints(job.handler).get(name)
    except NameError:  # an annotation that is only there for type checkers
        return True
    return hint is None or not inspect.isclass(hint) or issubclass(hint, JobContext)


def _is_cron(expression: str) -> bool:
    from croniter import croniter  # type: ignore[import-untyped]  # it ships no types

    return len(expression.split()) == 5 and bool(croniter.is_valid(expression))


def _queued(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Names that stand as text in calls of `enqueue`."""
    for module, tree in loaded.subject.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("enqueue") and len(node.args) > 1:
                name = node.args[1]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield f"{module}:{node.lineno}", name.value
