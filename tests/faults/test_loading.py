"""Every kind of contribution that goes wrong while its plugin is loaded: that one is left out, all others are there."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest

from muntin.contributions import Cron, Moment, Slot
from muntin.core_plugin import load_core
from muntin.plugins import CORE, hookimpl, registry
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.loading import HOOKS

from .conftest import Show
from .packages import install

OTHER, NAME = "bystander", "goes_wrong"
CRON = Cron(name="own.nightly", expression="0 3 * * *", task="own.work")
MORE: Mapping[str, object] = {
    "muntin_slots": [Slot(name="own.slot", description="Somewhere.")],
    "muntin_moments": [Moment(name="own.moment", description="Some moment.")],
}
"""Of kinds that the package of this folder has none of."""
CLAIMING = (
    "muntin_routes", "muntin_permissions", "muntin_dialects", "muntin_settings", "muntin_events", "muntin_jobs",
    "muntin_mail_templates", "muntin_commands", *MORE,
)  # fmt: skip
"""Hooks that answer with names of which there is one in a panel."""


def _raises() -> Any:
    raise ZeroDivisionError("by design")


def _exits() -> Any:
    sys.exit(3)


def _answers_half() -> Iterator[Any]:
    """Raises once somebody has begun to look at the answer."""
    yield from ()
    raise ZeroDivisionError("by design")


def _answers_something_else() -> Any:
    return [object()]


FAULTS: Mapping[str, tuple[Callable[[], Any], str]] = {
    "raises": (_raises, "ZeroDivisionError: by design"),
    "raises halfway": (_answers_half, "ZeroDivisionError: by design"),
    "sys.exit": (_exits, "SystemExit: 3"),
    "wrong type": (_answers_something_else, "TypeError: {hook} answered <object object"),
}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ModuleType, ModuleType]]:
    """The plugin that others need nothing of, and the one that goes wrong."""
    folder = tmp_path_factory.mktemp("plugins")
    for name in (OTHER, NAME):
        install(folder, name)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    found = installed_plugins()
    with pytest.MonkeyPatch.context() as patch:  # what is installed does not change; looking for it takes long
        patch.setattr(registry, "installed_plugins", lambda: found)
        yield importlib.import_module(f"muntin_{OTHER}.plugin"), importlib.import_module(f"muntin_{NAME}.plugin")
    sys.path.remove(str(folder))


def _loaded() -> tuple[set[str], list[tuple[str, str]]]:
    """Which plugins are there, and which are not and why."""
    loaded = registry.Registry.load(load_core(), (OTHER, NAME))
    return set(loaded.names), [(one.plugin, one.reason) for one in loaded.failed]


def test_every_hook_can_fail_and_costs_only_its_own_plugin(
    modules: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch, show: Show
) -> None:
    found, wanted = {}, {}
    for hook in HOOKS:
        for fault, (answer, reason) in FAULTS.items():
            with monkeypatch.context() as patch:
                patch.setattr(modules[1], hook, hookimpl(answer), raising=False)
                names, failed = _loaded()
            expected = reason.format(hook=hook)
            cut = [(plugin, why[: len(expected)]) for plugin, why in failed]
            found[hook, fault] = (names, cut)
            wanted[hook, fault] = ({CORE, OTHER}, [(NAME, expected)])

    heads = ("hook", *FAULTS)
    rows = [(hook, *(_cell(found[hook, fault]) for fault in FAULTS)) for hook in HOOKS]
    show("Faults while a plugin is loaded (what became of it and of the others)", heads, rows)
    assert found == wanted


@pytest.mark.parametrize("hook", CLAIMING)
def test_what_another_plugin_has_already_is_refused_by_name(
    modules: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    other, wrong = modules
    theirs = list(getattr(other, hook)()) if hook not in MORE else MORE[hook]
    monkeypatch.setattr(other, hook, hookimpl(lambda: theirs), raising=False)
    monkeypatch.setattr(wrong, hook, hookimpl(lambda: theirs), raising=False)

    names, [(plugin, reason)] = _loaded()

    assert (names, plugin) == ({CORE, OTHER}, NAME)
    assert reason.startswith("The ")
    assert reason.endswith(f" belongs to {OTHER} already.")


def test_plugin_that_claims_a_name_twice_is_refused(
    modules: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modules[1], "muntin_jobs", hookimpl(lambda: [CRON, CRON]))

    names, failed = _loaded()

    assert names == {CORE, OTHER}
    assert failed == [(NAME, f"The cron own.nightly belongs to {NAME} already.")]


def _cell(found: tuple[set[str], list[tuple[str, str]]]) -> str:
    names, failed = found
    own = "left out" if NAME in {plugin for plugin, _reason in failed} else "loaded"
    return f"{own}; {len({CORE, OTHER} - names)} others lost"
