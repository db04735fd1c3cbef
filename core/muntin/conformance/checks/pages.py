"""The plugin's pages and mails, shown."""

from __future__ import annotations

from collections.abc import AsyncIterator

from jinja2 import TemplateError

from muntin.conformance.bench import Bench
from muntin.conformance.checks.templates import INLINE_RULE, inline_parts
from muntin.conformance.finding import Finding, Rule
from muntin.contributions import MailTemplate, Route
from muntin.mail.rendering import render
from muntin.testing.samples import VALUE, filled
from muntin.testing.visitors import Visitor, visitor

FAILS_RULE = Rule("page-fails", "error", "People see an error page.", "Mend the handler or its template.")
MAIL_RULE = Rule(
    "mail-fails",
    "error",
    "The mail is never sent, and its preview on the settings page is broken.",
    "Mend the template, or complete `sample` with every value it uses.",
)


async def check(bench: Bench) -> AsyncIterator[Finding]:
    """Open every page that needs nothing unknown, as an administrator; render every mail with its sample."""
    browser = await visitor(bench.people, bench.app, "administrator")
    own = [one for one in bench.loaded.of(Route) if one.dialect == "pages" and one.method == "GET" and not one.streams]
    for route in own:
        if all(name in bench.targets.values for _kind, name in VALUE.findall(route.path)):
            async for finding in _page(browser, filled(route.path, bench.targets.values), route):
                yield finding
    for mail in bench.loaded.of(MailTemplate):
        try:
            render(mail, mail.sample)
        except TemplateError as error:
            yield MAIL_RULE.at(f"mail {mail.name}", f"{type(error).__name__}: {error}")


async def _page(browser: Visitor, path: str, route: Route) -> AsyncIterator[Finding]:
    shown = await browser.get(path)
    if shown.status >= 500:
        yield FAILS_RULE.at(f"GET {route.path}", f"It is answered with status {shown.status}.")
    elif shown.status == 200:
        for what in sorted(set(inline_parts(shown.html))):  # also what code, not a template, put there
            yield INLINE_RULE.at(f"GET {route.path}", what)
