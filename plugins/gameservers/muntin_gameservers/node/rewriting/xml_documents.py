"""Files that are XML. A document with a DOCTYPE is refused, so there are no entities to expand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn
from xml.etree import ElementTree

from muntin_gameservers.contract import Replacement
from muntin_gameservers.node.rewriting.errors import RewriteRefused
from muntin_gameservers.node.rewriting.replacing import as_text, new_value

STEP = re.compile(r"([^.\[\]]+)(?:\[@?([\w:.-]+)='([^']*)'\])?(?:\.|$)")
ATTRIBUTE_VALUE = re.compile(r"^\[@?([\w:.-]+)='(.*)'\]$", re.DOTALL)
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

Step = tuple[str, str, str]  # tag or `*`, attribute or "", value


class _WithoutDoctype(ElementTree.TreeBuilder):
    def doctype(self, *_: object) -> NoReturn:
        raise RewriteRefused("it has a DOCTYPE, which is not read here")


def rewrite_xml(text: str, replacements: Sequence[Replacement]) -> str:
    """Set texts or attributes at dotted paths that begin with the root's name."""
    try:
        root = _parsed(text)
        for replacement in replacements:
            root = _replace(root, _steps(replacement.match), replacement)
        if root is None:
            return ""
        ElementTree.indent(root, space="  ")
        return DECLARATION + ElementTree.tostring(root, encoding="unicode") + "\n"
    except (ElementTree.ParseError, ValueError, RecursionError):
        raise RewriteRefused("it is not XML") from None


def _parsed(text: str) -> ElementTree.Element | None:
    if not text.strip():
        return None
    parser = ElementTree.XMLParser(target=_WithoutDoctype(insert_comments=True))  # noqa: S314 - DOCTYPE is refused
    parser.feed(text)
    root = parser.close()
    return root if isinstance(root, ElementTree.Element) else None


def _steps(path: str) -> list[Step]:
    return [(found[1], found[2] or "", found[3] or "") for found in STEP.finditer(path)]


def _replace(
    root: ElementTree.Element | None, steps: list[Step], replacement: Replacement
) -> ElementTree.Element | None:
    if not steps:
        return root
    makes = all(tag != "*" for tag, _, _ in steps) and replacement.if_value is None
    if root is None:
        if not makes:
            return None
        root = _made(steps[0])
    if _fits(root, steps[0]):
        for element in _found(root, steps[1:], makes=makes):
            _set(element, replacement)
    return root


def _found(element: ElementTree.Element, steps: list[Step], *, makes: bool) -> list[ElementTree.Element]:
    if not steps:
        return [element]
    children = [child for child in element if _fits(child, steps[0])]
    if not children and makes:
        children = [_made(steps[0])]
        element.append(children[0])
    return [found for child in children for found in _found(child, steps[1:], makes=makes)]


def _fits(element: ElementTree.Element, step: Step) -> bool:
    tag, attribute, value = step
    is_element = isinstance(element.tag, str)  # comments have a function there
    return is_element and tag in ("*", element.tag) and (not attribute or element.get(attribute) == value)


def _made(step: Step) -> ElementTree.Element:
    tag, attribute, value = step
    return ElementTree.Element(tag, {attribute: value} if attribute else {})


def _set(element: ElementTree.Element, replacement: Replacement) -> None:
    attribute = ATTRIBUTE_VALUE.match(as_text(replacement.replace_with))
    if attribute:
        unpacked = replacement.model_copy(update={"replace_with": attribute[2]})
        value = new_value(unpacked, element.get(attribute[1]))
        if value is not None:
            element.set(attribute[1], ILLEGAL.sub("", as_text(value)))
        return
    value = new_value(replacement, element.text or "")
    if value is not None:
        element.text = ILLEGAL.sub("", as_text(value))
