"""From a template and its values to the text, the HTML and the subject of a mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import StrictUndefined, TemplateError, TemplateNotFound, TemplateRuntimeError, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from muntin.contributions import MailTemplate
from muntin.errors import MuntinError
from muntin.filters import FILTERS
from muntin.plugins import CORE
from muntin.plugins.boundaries import running
from muntin.runtime import panel
from muntin.settings import GeneralSettings, public_url, section
from muntin.translation import _


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as people read it; `html` is empty where the template has only text."""

    subject: str
    text: str
    html: str


def render(template: MailTemplate, values: Mapping[str, object]) -> Rendered:
    """Fill a template. It runs in a sandbox: it reads values and changes nothing.

    Raises:
        jinja2.TemplateError: The template is wrong, or wants a value that is not there.
    """
    title = f"mail template {template.name}"
    try:
        with running(_owner(template), title, source=title):
            return _render(template, values)
    except (TemplateError, MuntinError):
        raise
    except Exception as error:
        raise TemplateRuntimeError(f"{type(error).__name__}: {error}") from error


def _owner(template: MailTemplate) -> str:
    known = panel().registry.known(MailTemplate)
    return next((owned.plugin for owned in known if owned.value is template), CORE)


def _render(template: MailTemplate, values: Mapping[str, object]) -> Rendered:
    environment = ImmutableSandboxedEnvironment(
        loader=panel().templates.environment.loader,
        autoescape=select_autoescape(("html",), default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = _
    environment.filters.update(FILTERS)
    known = {"panel_name": section(GeneralSettings).name, "panel_url": public_url(), "name": "", **values}
    subject = environment.from_string(template.subject).render(known)
    text = environment.get_template(f"{template.template}.txt").render(known, subject=subject)
    try:
        html = environment.get_template(f"{template.template}.html").render(known, subject=subject)
    except TemplateNotFound as error:
        if error.name != f"{template.template}.html":
            raise
        html = ""
    return Rendered(subject, text, html)


def find_template(name: str) -> MailTemplate:
    """The template of that name.

    Raises:
        LookupError: No enabled plugin contributes it.
    """
    for template in panel().registry.of(MailTemplate):
        if template.name == name:
            return template
    raise LookupError(f"no enabled plugin contributes the mail template {name!r}")
