"""Whether a plugin's templates can be compiled, and whether those that it names are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, TemplateNotFound, TemplateSyntaxError

from muntin.contributions import MailTemplate, SlotContent, Templates
from muntin.filters import FILTERS
from muntin.translation import _

ENDINGS = frozenset({".html", ".txt", ".svg", ".xml"})


class BrokenTemplate(Exception):
    """A template is wrong or missing; the message says which and where."""


def compile_templates(plugin: Any, beside: Iterable[Any]) -> None:
    """Compile every template of a loaded plugin.

    Raises:
        BrokenTemplate: The first that is wrong, with its line.
    """
    environment = _environment([plugin, *beside])
    for folder in _folders(plugin):
        if not folder.is_dir():
            raise BrokenTemplate(_("The folder {folder} does not exist.", folder=folder))
        for path in sorted(one for one in folder.rglob("*") if one.suffix in ENDINGS):
            _compile(environment, path.read_text(), str(path.relative_to(folder)))
    for name in _named(plugin):
        try:
            environment.get_template(name)
        except TemplateNotFound as error:
            raise BrokenTemplate(_("There is no template {name}.", name=error.name)) from error
    for one in plugin.contributions:
        if isinstance(one, MailTemplate):
            _compile(environment, one.subject, _("the subject of {name}", name=one.name))


def _environment(plugins: Iterable[Any]) -> Environment:
    folders = [folder for plugin in plugins for folder in _folders(plugin)]
    environment = Environment(
        loader=FileSystemLoader(folders), enable_async=True, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(FILTERS)
    return environment


def _folders(plugin: Any) -> Iterator[Path]:
    return (one.templates for one in plugin.contributions if isinstance(one, Templates))


def _named(plugin: Any) -> Iterator[str]:
    for one in plugin.contributions:
        if isinstance(one, SlotContent):
            yield one.template
        elif isinstance(one, MailTemplate):
            yield f"{one.template}.txt"


def _compile(environment: Environment, source: str, name: str) -> None:
    try:
        environment.compile(source, name)
    except TemplateSyntaxError as error:
        raise BrokenTemplate(f"{name}:{error.lineno}: {error.message}") from error
