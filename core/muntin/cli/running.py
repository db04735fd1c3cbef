"""Opening a panel for the time of one command, and saying what went wrong in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from tortoise.exceptions import OperationalError

from muntin.configuration import Configuration
from muntin.database import close_database
from muntin.database.migrations import sqlite_file
from muntin.errors import MuntinError
from muntin.panel import Panel
from muntin.translation import _

T = TypeVar("T")


def run(work: Callable[[Panel], Awaitable[T]], *, plugins: tuple[str, ...] | None = None) -> T:
    """Open the panel, do the work, close it; expected failures end the command with their message.

    Args:
        plugins: Load these instead of what the configuration says.
    """

    async def opened() -> T:
        configuration = Configuration() if plugins is None else Configuration(plugins=plugins)
        _require_database(configuration)
        panel = Panel(configuration, process="command")
        try:
            await panel.open()
        except OperationalError as error:
            await close_database()  # its thread would keep the command from ending
            raise DatabaseUnusable(_("The database cannot be used: {error}.", error=error)) from error
        try:
            return await work(panel)
        finally:
            await panel.close()  # says what is left to be said to running processes; without any, nothing waits

    try:
        return asyncio.run(opened())
    except MuntinError as error:
        for field, messages in getattr(error, "fields", {}).items():
            typer.echo(f"{field}: {' '.join(messages)}", err=True)
        typer.echo(error.message, err=True)
        if isinstance(error, DatabaseUnusable):
            typer.echo(_("`muntin migrate` makes or updates it, `muntin doctor` finds what is wrong."), err=True)
        raise typer.Exit(1) from error


class DatabaseUnusable(MuntinError):
    """There is nothing that a command could work on: no database, or one that was not migrated."""

    default_message = "There is no database yet."


def _require_database(configuration: Configuration) -> None:
    file = sqlite_file(configuration.store_url)
    if file is not None and not file.exists():
        raise DatabaseUnusable
