"""Whose code a module is; the watchdog asks when a process stands still."""

from __future__ import annotations

from collections.abc import Callable

from muntin.plugins.registry import CORE, Registry


def plugin_of_module(registry: Registry) -> Callable[[str], str | None]:
    """A function from a module's dotted name to the plugin whose package it lies in, `None` for the rest."""
    packages = {plugin.module.__name__.split(".")[0]: plugin.name for plugin in registry.plugins if plugin.name != CORE}
    return lambda module: packages.get(module.split(".")[0])
