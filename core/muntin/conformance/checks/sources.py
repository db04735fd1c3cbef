"""What the sources say, read without running them: imports, blocking calls, the border between panel and node."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.subject import Subject
from muntin.public import is_public

SYNTAX_RULE = Rule("source-syntax", "error", "What cannot be read cannot be imported.", "Mend the file.")
IMPORT_RULE = Rule(
    "import-private",
    "error",
    "Only what is listed as public stays the same within a range of versions; anything else may be gone tomorrow.",
    "Import only modules of docs/plugins/public.md, and no name that begins with an underscore.",
)
NODE_RULE = Rule(
    "node-imports",
    "error",
    "Nodes have neither the panel nor its database; the agent could not load the node half.",
    "Let the node half, and what both halves share, import neither `muntin` nor `tortoise`.",
)
PANEL_RULE = Rule(
    "panel-imports-node",
    "error",
    "The panel has not installed what node halves need (Docker, system tools).",
    "Put what both halves share into a module of its own, such as `contract`.",
)
BLOCKING_RULE = Rule(
    "async-blocking",
    "error",
    "While it runs, nobody's requests are answered; after a second the plugin is quarantined.",
    "Use the asynchronous way (asyncio.sleep, httpx.AsyncClient, ...), or asyncio.to_thread.",
)
BLOCKING = {
    "time.sleep", "os.system", "os.popen", "subprocess.run", "subprocess.call", "subprocess.check_call",
    "subprocess.check_output", "urllib.request.urlopen", "requests.get", "requests.post", "requests.put",
    "requests.patch", "requests.delete", "requests.head", "requests.request", "httpx.get", "httpx.post", "httpx.put",
    "httpx.delete", "httpx.request", "socket.create_connection",
}  # fmt: skip
OURS = ("muntin", "muntin_node")


def check(subject: Subject) -> Iterator[Finding]:
    """Every source file of the package."""
    trees = subject.trees
    for path in (path for module, path in subject.sources.items() if module not in trees):
        try:
            ast.parse(path.read_bytes())
        except SyntaxError as error:
            yield SYNTAX_RULE.at(f"{subject.where(path)}:{error.lineno}", f"{error.msg}.")
    for module, tree in trees.items():
        yield from _private(subject, subject.sources[module], tree)
        yield from _blocking(subject, subject.sources[module], tree)
    if subject.node_module in trees:
        yield from _border(subject, trees)


def _private(subject: Subject, path: Path, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        for module, names in _imports(node):
            if module.split(".")[0] not in OURS:
                continue
            where = f"{subject.where(path)}:{getattr(node, 'lineno', 0)}"
            if not _allowed(module, names):
                yield IMPORT_RULE.at(where, f"It imports {module}, which is not public.")
            for name in names:
                if name.startswith("_") and name != "_":
                    yield IMPORT_RULE.at(where, f"It imports {name} of {module}, which is private.")


def _allowed(module: str, names: tuple[str, ...]) -> bool:
    if module in OURS and names:  # from muntin import audit
        return all(is_public(f"{module}.{name}") or name in {"__version__"} for name in names)
    return is_public(module)


def _imports(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, ast.Import):
        yield from ((one.name, ()) for one in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module, tuple(one.name for one in node.names)


def _blocking(subject: Subject, path: Path, tree: ast.Module) -> Iterator[Finding]:
    known = _aliases(tree)
    for function in ast.walk(tree):
        if isinstance(function, ast.AsyncFunctionDef):
            for node in _own(function):
                called = _called(node, known) if isinstance(node, ast.Call) else ""
                if called in BLOCKING and isinstance(node, ast.Call):
                    yield BLOCKING_RULE.at(
                        f"{subject.where(path)}:{node.lineno}", f"{function.name} calls {called} and stops the loop."
                    )


def _own(function: ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """What runs on the loop: not the bodies of functions within, which may run in threads."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Local name -> what it stands for."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.asname or one.name.split(".")[0]: one.name if one.asname else one.name.split(".")[0]
                      for one in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom) and node.module:
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return known


def _called(call: ast.Call, known: Mapping[str, str]) -> str:
    parts: list[str] = []
    target: ast.expr = call.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    if not isinstance(target, ast.Name):
        return ""
    return ".".join([known.get(target.id, target.id), *reversed(parts)])


def _border(subject: Subject, trees: Mapping[str, ast.Module]) -> Iterator[Finding]:
    """Neither half may reach into the other's world, whichever way."""
    node_side = _reached(subject.node_module, trees)
    for module in sorted(node_side):
        for node in _at_run_time(trees[module]):
            for imported, _names in _imports(node):
                if imported.split(".")[0] in {"muntin", "tortoise"}:
                    where = f"{subject.where(subject.sources[module])}:{getattr(node, 'lineno', 0)}"
                    yield NODE_RULE.at(where, f"The node half reaches {module}, which imports {imported}.")
    if subject.node_module in _reached(subject.module, trees):
        yield PANEL_RULE.at(subject.module, f"The panel half imports the node half {subject.node_module}.")


def _reached(start: str, trees: Mapping[str, ast.Module]) -> set[str]:
    found: set[str] = set()
    waiting = [start, *(start.rsplit(".", number)[0] for number in range(1, start.count(".") + 1))]
    while waiting:
        module = waiting.pop()
        if module in found or module not in trees:
            continue
        found.add(module)
        for node in _at_run_time(trees[module]):
            for imported, names in _imports(node):
                waiting += [imported, *(f"{imported}.{name}" for name in names)]
    return found


def _at_run_time(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything but what stands under `if TYPE_CHECKING`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting.extend(node.orelse)
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))
