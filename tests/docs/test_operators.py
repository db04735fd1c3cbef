"""Operators find every variable and every command described, and none that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from muntin import cli
from muntin.configuration import Configuration
from muntin_gameservers.cli import eggs
from muntin_node.cli import app as node_app

CONFIGURATION = Path("docs/operators/configuration.md")
COMMANDS = Path("docs/operators/commands.md")


def test_every_variable_of_the_environment_is_described(sections: Mapping[tuple[Path, str], str]) -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", sections[CONFIGURATION, "Variables"], flags=re.MULTILINE))

    assert described == {f"MUNTIN_{name.upper()}" for name in Configuration.model_fields}


@cache
def _commands() -> Mapping[str, Any]:
    """Every command by its words: the core's, the plugin's and the agent's."""
    app = typer.Typer()
    app.add_typer(cli.app, name="muntin")
    app.add_typer(eggs.command().app(), name="muntin egg")
    app.add_typer(node_app, name="muntin-node")
    return dict(_leaves(get_command(app), ()))


def _leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(words), command
        return
    for name, one in below.items():
        yield from _leaves(one, (*words, name))


@pytest.mark.parametrize("name", _commands())
def test_command_is_described_with_its_options(sections: Mapping[tuple[Path, str], str], name: str) -> None:
    text = sections[COMMANDS, name]
    options = [max(one.opts, key=len) for one in _commands()[name].params if one.param_type_name == "option"]

    assert [one for one in options if one not in ("--help",) and f"`{one}`" not in text] == []


def test_no_command_is_described_that_does_not_exist(sections: Mapping[tuple[Path, str], str]) -> None:
    described = {heading for path, heading in sections if path == COMMANDS and heading.startswith("muntin")}

    assert described == set(_commands())
