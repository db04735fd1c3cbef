"""The throw-away process of `muntin.plugins.probe`: tells, step by step, how loading plugins goes.

Each line it writes to its pipe is one JSON object: `{"step"}` when a step begins, `{"contributions"}` when they are
counted, `{"reason"}` when a plugin failed, `{"done": true}` when it did not.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

MIB = 1024 * 1024


class ProbeFailed(Exception):
    """A plugin is not to be loaded; the message says why."""


def main() -> None:
    """Do what the order on the command line says; the panel ends this process when it has heard enough."""
    descriptor, order = int(sys.argv[1]), json.loads(sys.argv[2])
    os.set_inheritable(descriptor, False)
    _confine(order["memory_mib"], order["lives_s"])
    gc.set_threshold(50_000, 20, 50)  # nearly everything an import makes stays
    sys.path.extend(order["path"])
    importlib.invalidate_caches()
    Probing(lambda **said: _say(descriptor, said), Path(order["folder"]), order["beside"]).each(order["plugins"])
    os._exit(0)  # whatever threads a plugin left behind


def _confine(memory_mib: int, lives_s: float) -> None:
    """Little memory, no core files, and an end in any case, should the panel itself be gone."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mib * MIB, memory_mib * MIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(max(1, int(lives_s)))


def _say(descriptor: int, said: dict[str, Any]) -> None:
    data = json.dumps(said).encode() + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]


class Probing:
    """Loads plugins one after the other beside those that are there already."""

    def __init__(self, say: Callable[..., None], folder: Path, beside: Sequence[str] | None) -> None:
        from muntin.core_plugin import load_core
        from muntin.plugins.discovery import installed_plugins
        from muntin.plugins.loading import LoadedPlugin, plugin_manager

        self._say = say
        self._folder = folder
        self._installed = installed_plugins()
        self._beside = beside
        self._manager = plugin_manager()
        self._loaded: list[LoadedPlugin] = [load_core()]
        self._manager.register(self._loaded[0].module, "core")

    def each(self, plugins: Sequence[str]) -> None:
        """Probe them in this order."""
        from muntin.plugins.loading import PluginFailed

        self._load_beside(plugins)
        for plugin in plugins:
            try:
                self._one(plugin)
            except (PluginFailed, ProbeFailed) as failure:
                self._say(reason=getattr(failure, "reason", str(failure)))
            except MemoryError:
                limit_mib = resource.getrlimit(resource.RLIMIT_DATA)[0] // MIB
                self._say(reason=f"MemoryError: it takes more than {limit_mib} MiB.")
            except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code; whatever it does is what is looked for
                self._say(reason=f"{type(error).__name__}: {error}")
            else:
                self._say(done=True)

    def _load_beside(self, plugins: Iterable[str]) -> None:
        from muntin.plugins.loading import PluginFailed, load_plugin
        from muntin.plugins.registry import in_order

        probed = set(plugins)
        for manifest in in_order(self._installed, self._beside):
            if manifest.name not in probed:
                try:
                    self._loaded.append(load_plugin(self._manager, manifest, self._loaded))
                except PluginFailed:
                    continue  # then it claims nothing either

    def _one(self, plugin: str) -> None:
        from muntin.plugins.loading import load_plugin

        self._say(step="find")
        manifest = self._installed.get(plugin)
        if manifest is None:
            raise ProbeFailed(f"No plugin {plugin} is installed.")
        if manifest.problem:
            raise ProbeFailed(manifest.problem)
        self._say(step="import")
        importlib.import_module(manifest.module)
        self._say(step="hooks")
        loaded = load_plugin(self._manager, manifest, ())
        self._say(contributions=dict(Counter(_kind(one) for one in loaded.contributions)))
        self._say(step="clashes")
        self._refuse_clashes(loaded)
        self._say(step="templates")
        self._compile_templates(loaded)
        self._say(step="migrations")
        asyncio.run(self._migrate([*self._loaded, loaded]))
        self._loaded.append(loaded)

    def _refuse_clashes(self, loaded: Any) -> None:
        from muntin.contributions import Cron, Saga, Task
        from muntin.jobs.handlers import sort_out
        from muntin.plugins.loading import clash_of

        if clash := clash_of(loaded, self._loaded):
            raise ProbeFailed(clash)
        everything = [one for plugin in (*self._loaded, loaded) for one in plugin.contributions]
        sort_out([one for one in everything if isinstance(one, Task | Saga | Cron)])

    def _compile_templates(self, loaded: Any) -> None:
        from muntin.plugins.probing_templates import compile_templates

        compile_templates(loaded, self._loaded)

    async def _migrate(self, plugins: Sequence[Any]) -> None:
        """Everything from nothing, and the models beside each other."""
        from muntin.contributions import Models
        from muntin.database import App, close_database, open_database
        from muntin.database.migrations import migrate

        models = [one for plugin in plugins for one in plugin.contributions if isinstance(one, Models)]
        if not any(isinstance(one, Models) for one in plugins[-1].contributions):
            return
        apps = [App(label=one.label, models=one.modules, migrations=one.migrations) for one in models]
        # One store for all: what is applied already costs nothing, and a plugin that failed left only its own tables.
        url = f"sqlite://{self._folder / 'probe.sqlite3'}?synchronous=OFF&journal_mode=MEMORY"
        await migrate(url, apps)
        await open_database(url, apps)
        await close_database()


def _kind(contribution: object) -> str:
    from muntin.dialects import Dialect

    if isinstance(contribution, type):
        return "Event"
    return "Dialect" if isinstance(contribution, Dialect) else type(contribution).__name__


if __name__ == "__main__":
    main()
