"""Importing the plugin and calling its hooks, one by one."""

from __future__ import annotations

import difflib
import importlib
import time
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.subject import Subject
from muntin.plugins.loading import HOOKS
from muntin.plugins.registry import Registry

IMPORT_RULE = Rule(
    "import-fails", "error", "The panel does not load a plugin that cannot be imported.", "Mend what raises."
)
SLOW_RULE = Rule(
    "import-slow",
    "error",
    "Every process of the panel imports every plugin when it starts, and each enable waits for it.",
    "Do no work and no network when a module is imported; import heavy libraries where they are used.",
)
HOOK_RULE = Rule(
    "hook-fails",
    "error",
    "A plugin whose hook raises, or answers something else, is not loaded.",
    "Return what the hook's page in docs/plugins/hooks says; do nothing else in a hook.",
)
UNKNOWN_RULE = Rule(
    "hook-unknown",
    "error",
    "Nobody calls a hook that does not exist; what it returns is never used.",
    "Spell the hook as in docs/plugins/hooks, and mark it with @hookimpl.",
)
LOAD_RULE = Rule(
    "load-refused",
    "error",
    "The panel refuses the plugin; the reason is what an administrator would read.",
    "Rename what is taken; what two plugins may not both have is listed in docs/plugins/index.md.",
)
IMPORT_LIMIT_S = 2.0
"""Of process time and waiting together; a machine under load takes its share."""


def check_import(subject: Subject) -> Iterator[Finding]:
    """Import the module that the entry point names."""
    began_s = time.perf_counter()
    try:
        importlib.import_module(subject.module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code
        yield IMPORT_RULE.at(_place(subject, error), f"{type(error).__name__}: {error}")
        return
    took_s = time.perf_counter() - began_s
    if took_s > IMPORT_LIMIT_S:
        yield SLOW_RULE.at(subject.module, f"Importing it took {took_s:.1f} s; {IMPORT_LIMIT_S:g} s is the limit.")


def check_hooks(subject: Subject, module: ModuleType, offered: frozenset[str]) -> Iterator[Finding]:
    """Names of hooks, and what each answers.

    Args:
        offered: Hooks that other plugins offer.
    """
    for name, value in vars(module).items():
        if not callable(value) or getattr(value, "__module__", "") != module.__name__:
            continue
        marked = hasattr(value, "muntin_impl")
        if marked and name not in HOOKS and name not in offered:
            yield _unknown(subject, name)
        elif not marked and (name in HOOKS or name.startswith("muntin_")):
            yield UNKNOWN_RULE.at(f"{subject.module}.{name}", f"{name} is not marked with @hookimpl.")
        elif marked and name in HOOKS:
            yield from _answer(subject, name, value)


def check_loaded(subject: Subject, registry: Registry) -> Iterator[Finding]:
    """Whether a panel takes it beside everything else that is loaded."""
    for failure in registry.failed:
        if failure.plugin == subject.name:
            yield LOAD_RULE.at(subject.module, failure.reason)


def _unknown(subject: Subject, name: str) -> Finding:
    near = difflib.get_close_matches(name, HOOKS, 1, 0.6)
    if not near and name.count("_") > 1:
        return UNKNOWN_RULE.at(
            f"{subject.module}.{name}", "No loaded plugin offers this hook; without it, nothing is called.",
            severity="note",
        )  # fmt: skip
    hint = f" Did you mean {near[0]}?" if near else ""
    return UNKNOWN_RULE.at(f"{subject.module}.{name}", f"There is no hook {name}.{hint}")


def _answer(subject: Subject, name: str, hook: Any) -> Iterator[Finding]:
    where, kinds = f"{subject.module}.{name}", HOOKS[name]
    try:
        answer = hook()
        listed = [answer] if isinstance(answer, kinds) else list(answer or ())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code
        yield HOOK_RULE.at(where, f"{type(error).__name__}: {error}")
        return
    wanted = ", ".join(kind.__name__ for kind in kinds)
    for one in listed:
        if not isinstance(one, kinds):
            yield HOOK_RULE.at(where, f"It answers {one!r:.120}, which is none of: {wanted}.")


def _place(subject: Subject, error: BaseException) -> str:
    """The last line of the plugin's own that led to an error."""
    lines = traceback.extract_tb(error.__traceback__)
    for line in reversed(lines):
        for path in subject.sources.values():
            if line.filename == str(path):
                return f"{subject.where(path)}:{line.lineno}"
    return subject.module
