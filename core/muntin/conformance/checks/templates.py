"""Templates and static files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.loaded import Loaded
from muntin.contributions import MailTemplate, SlotContent, Templates

SYNTAX_RULE = Rule("template-syntax", "error", "The page cannot be shown.", "Mend the template.")
INLINE_RULE = Rule(
    "template-inline",
    "error",
    "The Content-Security-Policy of the panel refuses inline scripts, handlers and styles; the page does not work.",
    "Use the elements and classes of docs/pages.md, or a file of the plugin's static folder.",
)
REMOTE_RULE = Rule(
    "template-remote",
    "error",
    "The Content-Security-Policy refuses what comes from other hosts; it would tell them who looks at the page.",
    "Bring the file in the plugin's static folder.",
)
ESCAPE_RULE = Rule(
    "template-unescaped",
    "error",
    "Whatever a person typed runs as a script in the browser of whoever looks.",
    "Leave out `|safe` and `autoescape false`; build markup with macros.",
)
FOLDER_RULE = Rule(
    "template-folder",
    "error",
    "Templates of two plugins at the same path hide each other; themes override by path.",
    "Put them into a folder named after the plugin: templates/notes/list.html.",
)
MISSING_RULE = Rule(
    "template-missing", "error", "What refers to it cannot be shown.", "Add the file, or correct the path."
)
ENDINGS = (".html", ".txt", ".svg", ".jinja", ".j2")
LOADING = {"script", "link", "img", "iframe", "source"}
CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
RUNNING = {"module", "text/javascript", "application/javascript"}
"""Types of scripts that a browser runs; others are data."""
REMOTE = re.compile(r"^(https?:)?//", re.IGNORECASE)


def check(loaded: Loaded) -> Iterator[Finding]:
    """Every file below the templates folder, and every reference to one."""
    for offered in loaded.of(Templates):
        for folder in (offered.templates, offered.static):
            if folder is not None and not Path(folder).is_dir():
                yield MISSING_RULE.at(str(folder), "There is no such folder.")
        yield from _folders(loaded, Path(offered.templates))
        for path in loaded.files(Path(offered.templates), *ENDINGS):
            yield from _template(loaded, path)
    yield from _references(loaded)


def _folders(loaded: Loaded, folder: Path) -> Iterator[Finding]:
    if folder.is_dir():
        for one in sorted(folder.iterdir()):
            if one.name != loaded.name and not one.name.startswith((".", "__")):
                yield FOLDER_RULE.at(loaded.subject.where(one), f"It is not in a folder {loaded.name!r}.")


def _template(loaded: Loaded, path: Path) -> Iterator[Finding]:
    text, where = path.read_text(errors="replace"), loaded.subject.where(path)
    environment = loaded.panel.templates.environment
    try:
        tree = environment.parse(text)
        environment.compile(text)
    except TemplateSyntaxError as error:
        yield SYNTAX_RULE.at(f"{where}:{error.lineno}", f"{error.message}.")
        return
    for name in meta.find_referenced_templates(tree):
        if name is not None and not _exists(loaded, name):
            yield MISSING_RULE.at(where, f"It refers to {name}, which does not exist.")
    for found in tree.find_all(nodes.Filter):
        if found.name == "safe":
            yield ESCAPE_RULE.at(f"{where}:{found.lineno}", "It uses `|safe`.")
    if re.search(r"autoescape\s+false", text):
        yield ESCAPE_RULE.at(where, "It turns escaping off.")
    if path.suffix == ".html" and "mail" not in path.parts:
        yield from _markup(text, where)


def _markup(text: str, where: str) -> Iterator[Finding]:
    reader = _Reader()
    reader.feed(CODE.sub(lambda found: "\n" * found.group().count("\n") + "x", text))
    for line, what in reader.inline:
        yield INLINE_RULE.at(f"{where}:{line}", what)
    for line, what in reader.remote:
        yield REMOTE_RULE.at(f"{where}:{line}", what)


def inline_parts(html: str) -> list[str]:
    """What the Content-Security-Policy would refuse of a page as it is sent."""
    reader = _Reader()
    reader.feed(html)
    return [what for _line, what in reader.inline]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inline: list[tuple[int, str]] = []
        self.remote: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, given = self.getpos()[0], dict(attrs)
        if tag == "script" and "src" not in given and (given.get("type") or "module") in RUNNING:
            self.inline.append((line, "An inline <script>."))
        if tag == "style" and "nonce" not in given:
            self.inline.append((line, "An inline <style>."))
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.inline.append((line, f"An attribute {name}= on <{tag}>."))
            elif (value or "").strip().lower().startswith("javascript:"):
                self.inline.append((line, f"A javascript: address on <{tag}>."))
            elif tag in LOADING and name in {"src", "href"} and REMOTE.match(value or ""):
                self.remote.append((line, f"<{tag}> loads {value}."))


def _references(loaded: Loaded) -> Iterator[Finding]:
    for content in loaded.of(SlotContent):
        if not _exists(loaded, content.template):
            yield MISSING_RULE.at(f"slot {content.slot}", f"There is no template {content.template}.")
    for mail in loaded.of(MailTemplate):
        if not _exists(loaded, f"{mail.template}.txt"):
            yield MISSING_RULE.at(f"mail {mail.name}", f"There is no template {mail.template}.txt.")
    for where, name in _rendered(loaded):
        if not _exists(loaded, name):
            yield MISSING_RULE.at(where, f"There is no template {name}.")


def _rendered(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Paths of the plugin's templates that stand as text in its sources."""
    pattern = re.compile(rf"""["']({re.escape(loaded.name)}/[\w/.-]+\.html)["']""")
    for path in loaded.subject.sources.values():
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            yield from ((f"{loaded.subject.where(path)}:{number}", name) for name in pattern.findall(line))


def _exists(loaded: Loaded, name: str) -> bool:
    folders = [one.templates for one in loaded.known(Templates)]
    try:
        return any((Path(folder) / name.removeprefix("plain:")).is_file() for folder in folders)
    except (OSError, TemplateError):
        return False
