"""Rewrites a server's configuration files, confined to its folder. Blocks: runs in a file thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from muntin_gameservers.contract import ConfigurationFile, Replacement
from muntin_gameservers.node.containers.environment import substituted
from muntin_gameservers.node.rewriting.documents import rewrite_json, rewrite_toml, rewrite_yaml
from muntin_gameservers.node.rewriting.errors import RewriteRefused
from muntin_gameservers.node.rewriting.lines import rewrite_ini, rewrite_plain, rewrite_properties
from muntin_gameservers.node.rewriting.replacing import resolved
from muntin_gameservers.node.rewriting.xml_documents import rewrite_xml
from muntin_node.errors import FileMissing, NodeError
from muntin_node.files import ConfinedRoot, Owner

FILE_BOUND_BYTES = 8 * 1024 * 1024
PARSERS: Mapping[str, Callable[[str, Sequence[Replacement]], str]] = {
    "file": rewrite_plain,
    "properties": rewrite_properties,
    "ini": rewrite_ini,
    "json": rewrite_json,
    "yaml": rewrite_yaml,
    "yml": rewrite_yaml,
    "toml": rewrite_toml,
    "xml": rewrite_xml,
}


def rewrite_files(
    root: ConfinedRoot,
    files: Sequence[ConfigurationFile],
    *,
    visible: Mapping[str, str],
    variables: Mapping[str, str],
    owner: Owner,
) -> list[str]:
    """Rewrite all files; one that cannot be rewritten is left as it is and the others go on.

    Args:
        visible: What `{{config...}}` may resolve to.
        variables: The server's environment, for placeholders in file names.

    Returns:
        A line for the console for each file that was refused.
    """
    complaints = []
    for file in files:
        name = substituted(file.file, dict(variables))
        try:
            _rewrite(root, name, file, visible, owner)
        except (RewriteRefused, NodeError, OSError) as error:
            complaints.append(f"The configuration file {name} was left as it is: {error}")
    return complaints


def _rewrite(root: ConfinedRoot, name: str, file: ConfigurationFile, visible: Mapping[str, str], owner: Owner) -> None:
    parser = PARSERS.get(file.parser)
    if parser is None:
        return
    before = _read(root, name)
    if before is None and not file.create_file:
        return
    replacements = file.replace if file.parser == "file" else [resolved(item, visible) for item in file.replace]
    after = parser(before or "", replacements)
    if len(after) > FILE_BOUND_BYTES:
        raise RewriteRefused("it would become larger than 8 MiB")
    if after != before:
        _write(root, name, after.encode("utf-8", "surrogateescape"), owner, is_new=before is None)


def _read(root: ConfinedRoot, name: str) -> str | None:
    try:
        with root.open_read(name) as file:
            raw = file.read(FILE_BOUND_BYTES + 1)
    except FileMissing:
        return None
    if len(raw) > FILE_BOUND_BYTES:
        raise RewriteRefused("it is larger than 8 MiB")
    return raw.decode("utf-8", "surrogateescape")


def _write(root: ConfinedRoot, name: str, content: bytes, owner: Owner, *, is_new: bool) -> None:
    """Write beside the file and move into place: a full disk or a crash leaves the old content."""
    folder, _, last = name.rstrip("/").rpartition("/")
    if is_new and folder:
        root.mkdir(folder, parents=True, owner=owner)
    mode = 0o644 if is_new else root.stat(name, follow=True).mode
    temporary = f"{folder}/.{last[:200]}.new"
    with root.open_write(temporary, mode=mode, owner=owner) as file:
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]
    root.rename(temporary, name, replace=True)
