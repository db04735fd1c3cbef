"""Who may ask, and what a body may hold."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator

from muntin.access import guard_of
from muntin.conformance.finding import Finding, Rule
from muntin.conformance.loaded import Loaded
from muntin.contributions import Route

UNGUARDED_RULE = Rule(
    "route-unguarded",
    "error",
    "A route without a guarded service answers everybody, and nobody sees that from the list of routes.",
    "Let it call a service decorated with @guarded and name it: service=...; what is open to all says @guarded(None).",
)
SKIPS_RULE = Rule(
    "route-skips-service",
    "error",
    "The route names a service whose rule it never asks, so whoever knows the address gets through.",
    "Call the service that the route names; keep rows and rules out of handlers.",
)
PUBLIC_RULE = Rule(
    "route-public",
    "note",
    "Whoever knows the address may ask, signed in or not.",
    "Make sure that this is meant.",
)
SUMMARY_RULE = Rule(
    "route-undescribed",
    "warning",
    "The description of the API and the list of routes have nothing to say of it.",
    "Give the handler a docstring; its first line is the summary.",
)
LENIENT_RULE = Rule(
    "body-lenient",
    "error",
    "Unknown keys are taken in silence: misspelt ones are lost, smuggled ones may reach the row.",
    "Derive the model from muntin.schemas.Input.",
)
PREFIX_RULE = Rule(
    "route-foreign",
    "warning",
    "Addresses without the plugin's name clash with other plugins'.",
    "Put the routes under /api/v1/<plugin>, the pages under /<plugin> or /admin/<plugin>.",
)
SERVICE_RULE = Rule(
    "service-unguarded",
    "error",
    "A service that takes an actor and asks nothing lets every caller through, whatever page or route it is behind.",
    "Decorate it with @guarded, or make it private with an underscore if only guarded services call it.",
)


def check(loaded: Loaded) -> Iterator[Finding]:
    """Every route of the dialects that the core knows; other dialects have rules of their own."""
    for route in loaded.of(Route):
        where = f"{route.method} {route.path}"
        if route.dialect in {"native", "pages"}:
            yield from _rule(loaded, route, where)
        if not route.summary.strip():
            yield SUMMARY_RULE.at(where, "The handler has no docstring.")
        if route.dialect == "native" and route.body and route.body.model_config.get("extra") != "forbid":
            yield LENIENT_RULE.at(where, f"{route.body.__name__} does not forbid unknown keys.")
    yield from _prefixes(loaded)
    yield from _services(loaded)


def _rule(loaded: Loaded, route: Route, where: str) -> Iterator[Finding]:
    if route.guard is None:
        what = "It names no service." if route.service is None else f"{_name(route.service)} is not guarded."
        yield UNGUARDED_RULE.at(where, what)
    elif route.guard.permission is None:
        yield PUBLIC_RULE.at(where, "It is open to everybody, by @guarded(None).")
    if route.service is not None and not _asks(route):
        yield SKIPS_RULE.at(
            f"{where} ({loaded.line_of(route.handler)})", f"The handler never calls {_name(route.service)}."
        )


def _asks(route: Route) -> bool:
    """Whether the rule is asked: by the service, by one on the same rows, or by the dispatcher before the handler."""
    guard, mentioned = route.guard, _mentioned(route)
    if guard is None or _name(route.service) in mentioned:
        return True
    if guard.on is None:
        return route.method == "GET" and not guard.among  # a page with the form of a service that it does not call yet
    module = inspect.getmodule(route.handler)
    rooms = [module, *(one for one in vars(module).values() if inspect.ismodule(one))]
    found = [guard_of(getattr(room, name)) for room in rooms for name in mentioned if _is_function(room, name)]
    return any(one is not None and one.on is guard.on for one in found)


def _is_function(room: object, name: str) -> bool:
    return inspect.isfunction(getattr(room, name, None))


def _prefixes(loaded: Loaded) -> Iterator[Finding]:
    foreign = [
        f"{one.method} {one.path}"
        for one in loaded.of(Route)
        if one.dialect in {"native", "pages"} and loaded.name not in one.path.replace("-", "_").split("/")
    ]
    if foreign:
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        yield PREFIX_RULE.at("muntin_routes", f"Without the plugin's name: {shown}.")


def _services(loaded: Loaded) -> Iterator[Finding]:
    """Public coroutines in service modules that take an actor first and have no guard."""
    for module, tree in loaded.subject.trees.items():
        if "service" in module.rsplit(".", 1)[-1]:
            for node in tree.body:
                if isinstance(node, ast.AsyncFunctionDef) and _takes_actor(node) and not _is_guarded(node):
                    where = f"{loaded.subject.where(loaded.subject.sources[module])}:{node.lineno}"
                    yield SERVICE_RULE.at(where, f"{node.name} is not guarded.")


def _is_guarded(node: ast.AsyncFunctionDef) -> bool:
    return node.name.startswith("_") or any("guarded" in ast.unparse(one) for one in node.decorator_list)


def _takes_actor(node: ast.AsyncFunctionDef) -> bool:
    first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
    return first is not None and first.annotation is not None and ast.unparse(first.annotation).endswith("Actor")


def _mentioned(route: Route) -> set[str]:
    """Names that a handler uses, and those used by what it calls of its module or object."""
    module, owner = inspect.getmodule(route.handler), type(getattr(route.handler, "__self__", None))
    handler: object = getattr(route.handler, "__func__", route.handler)
    begin = route.handler.__name__
    waiting, seen, found = [begin], set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        function = handler if name == begin else getattr(module, name, None) or getattr(owner, name, None)
        if name in seen or not inspect.isfunction(function) or inspect.getmodule(function) is not module:
            continue
        seen.add(name)
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, SyntaxError):
            return {_name(route.service)} if route.service else set()
        body = [
            one for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for one in node.body
        ]
        names = {one.id for node in body for one in ast.walk(node) if isinstance(one, ast.Name)}
        names |= {one.attr for node in body for one in ast.walk(node) if isinstance(one, ast.Attribute)}
        found |= names
        waiting += names
    return found


def _name(service: object) -> str:
    return str(getattr(service, "__name__", service))
